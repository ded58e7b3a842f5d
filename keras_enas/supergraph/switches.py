"""Layers that do what the current architecture says, and only that.

Each reads its index from the scope while the step is traced and hands it to a
conditional of TensorFlow, so that the other candidates cost nothing, forward or
backward. README.md in this folder says what this took.
"""

import keras
import numpy as np
import tensorflow as tf

from keras_enas.layers.pooling import quicken
from keras_enas.supergraph.packing import (
    Hidden,
    flatten,
    is_packable,
    run_with,
    sizes,
    unflatten,
)
from keras_enas.supergraph.scope import current_scope, needed_by_scope


def _symbolic(layer, specs):
    """Calls a layer on tensor descriptions and returns that of its output."""
    return layer(keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape, x.dtype), specs))


def _build(layer, input_shape, dtype):
    """Builds a layer on a shape, or on several of a layer that takes several tensors."""
    layer(keras.tree.map_shape_structure(lambda s: keras.KerasTensor(s, dtype), input_shape))
    quicken(layer)


def dead(spec):
    """Stands for a tensor that the architecture does not need: of no sample, it costs nothing."""
    return tf.zeros((0, *spec.shape[1:]), spec.dtype)


class OpSwitch(keras.layers.Layer):
    """All candidates of an `OpChoice`; runs the chosen one.

    Gradients are dense: weights of candidates that were not chosen get zeros,
    so momentum and weight decay go on moving them, as in the released code of
    ENAS.

    Args:
        decision: The `Decision`.
        position: Integer, its place in the architecture.
        branches: Dict from label to layer.
    """

    def __init__(self, decision, position, branches, **kwargs):
        # The candidates cast for themselves: weights and averages reach them in full precision.
        super().__init__(autocast=False, **kwargs)
        self.decision = decision
        self.position = position
        self.labels = list(branches)
        self._hidden = Hidden(list(branches.values()))

    @property
    def branches(self):
        """The candidate layers; where their weights are packed, `values_of` has the values."""
        return self._hidden.layers

    def build(self, input_shape):
        for branch in self.branches:
            _build(branch, input_shape, self.compute_dtype)
        packed = [[v for v in b.trainable_variables if is_packable(v)] for b in self.branches]
        self._hidden.packed = packed
        self._hidden.sizes = [sum(sizes(variables)) for variables in packed]
        if any(packed):
            values = flatten([v for variables in packed for v in variables])
            self.bank = self.add_weight(
                name="bank",
                shape=values.shape,
                initializer=lambda shape, dtype: keras.ops.cast(values, dtype),
            )
        shared = {id(v) for variables in packed for v in variables}
        self.others = [v for b in self.branches for v in b.variables if id(v) not in shared]

    def compute_output_spec(self, inputs, training=None):
        specs = [_symbolic(branch, inputs) for branch in self.branches]
        for label, branch, spec in zip(self.labels, self.branches, specs, strict=True):
            if (spec.shape, spec.dtype) != (specs[0].shape, specs[0].dtype):
                raise ValueError(
                    f"The candidates of OpChoice '{self.decision.name}' differ in their output: "
                    f"'{self.labels[0]}' gives {specs[0].shape} {specs[0].dtype}, '{label}' gives "
                    f"{spec.shape} {spec.dtype}. Give all of them one shape and dtype."
                )
            _check_losses(f"Candidate '{label}' of OpChoice '{self.decision.name}'", branch)
        self._hidden.output = keras.KerasTensor(specs[0].shape, specs[0].dtype)
        return self._hidden.output

    def values_of(self, index):
        """Returns a dict from `id(variable)` to the value of each packed weight of a branch."""
        variables = self._hidden.packed[index]
        if not variables:
            return {}
        start = sum(self._hidden.sizes[:index])
        part = tf.slice(self.bank.value, [start], [self._hidden.sizes[index]])
        return dict(zip(map(id, variables), unflatten(part, variables), strict=True))

    def call(self, inputs, training=None):
        scope = current_scope()

        def run(index):
            branch = self.branches[index]
            outputs, states = run_with(branch, self.values_of(index), inputs, training)
            if training and not scope.batch_statistics:
                for variable in branch.non_trainable_variables:
                    if id(variable) in states:
                        variable.assign(states[id(variable)])
            return outputs

        index = scope.architecture[self.position]
        branches = [lambda i=i: run(i) for i in range(len(self.branches))]
        needed = needed_by_scope(self)
        if needed is not None:
            index = tf.where(needed, index, len(branches))
            branches.append(lambda: dead(self._hidden.output))
        return tf.switch_case(index, branches)


class InputSwitch(keras.layers.Layer):
    """Passes on the chosen one of its inputs.

    Args:
        decision: The `Decision`.
        position: Integer, its place in the architecture.
    """

    def __init__(self, decision, position, **kwargs):
        super().__init__(**kwargs)
        self.decision = decision
        self.position = position

    def compute_output_spec(self, inputs):
        _check_alike("InputChoice", self.decision.name, inputs)
        return keras.KerasTensor(inputs[0].shape, inputs[0].dtype)

    def build(self, input_shape):
        pass

    def call(self, inputs):
        index = current_scope().architecture[self.position]
        return tf.switch_case(index, [lambda x=x: tf.identity(x) for x in inputs])


class SkipSwitch(keras.layers.Layer):
    """Adds the chosen ones of the later inputs to the first, and passes them on.

    Returns the sum, then the later inputs unchanged. Who goes on with what was
    passed on, instead of the tensors themselves, has their gradients added up
    along the chain, for the chosen ones only. Otherwise TensorFlow adds a zero
    of full size for every skip that was not chosen.

    Args:
        decisions: The `Decision`s, one for each input but the first.
        position: Integer, the place of the first in the architecture.
    """

    def __init__(self, decisions, position, **kwargs):
        super().__init__(**kwargs)
        self.decisions = decisions
        self.position = position

    def compute_output_spec(self, inputs):
        _check_alike("SkipChoice", self.decisions[0].group, inputs)
        return [keras.KerasTensor(x.shape, x.dtype) for x in inputs]

    def build(self, input_shape):
        pass

    def call(self, inputs):
        architecture = current_scope().architecture
        bits = tf.cast(architecture[self.position : self.position + len(inputs) - 1], tf.bool)
        needed = needed_by_scope(self)
        if needed is not None:
            bits = tf.logical_and(bits, needed)
        bits = tf.unstack(bits, len(inputs) - 1)

        @tf.custom_gradient
        def add_chosen(y, *earlier):
            total = y
            # A chain of conditionals: multiplying by the bit would cost all the additions.
            for bit, x in zip(bits, earlier, strict=True):
                total = tf.cond(bit, lambda t=total, x=x: t + x, lambda t=total: t)

            def gradient(upstream, *passed_on):
                sums = [
                    tf.cond(bit, lambda d=d: d + upstream, lambda d=d: d)
                    for bit, d in zip(bits, passed_on, strict=True)
                ]
                return upstream, *sums

            return [total, *(tf.identity(x) for x in earlier)], gradient

        return add_chosen(*inputs)


class KeyedLayer(keras.layers.Layer):
    """A stack of one layer's weights, from which the architecture takes a row.

    Gradients are dense, as those of `OpSwitch`.

    Args:
        decisions: The `Decision`s whose candidates key the weights.
        positions: Their places in the architecture.
        factory: Callable that returns a new layer.
        only: Optional list of indices of the single decision; for others the
            input is passed on.
    """

    def __init__(self, decisions, positions, factory, only=None, **kwargs):
        # As in `OpSwitch`.
        super().__init__(autocast=False, **kwargs)
        self.decisions = decisions
        self.positions = positions
        self.only = only
        self.num_rows = len(only) if only is not None else 1
        if only is None:
            for decision in decisions:
                self.num_rows *= len(decision.candidates)
        self._hidden = Hidden([factory() for _ in range(self.num_rows)])

    @property
    def template(self):
        """The layer that computes; `values_of` has the values of its weights."""
        return self._hidden.layers[0]

    def build(self, input_shape):
        rows = self._hidden.layers
        for row in rows:
            _build(row, input_shape, self.compute_dtype)
        groups = {}
        for i, variable in enumerate(self.template.variables):
            if getattr(variable, "constraint", None) is not None:
                raise ValueError(f"Keyed: the weight '{variable.path}' has a constraint.")
            alone = variable.trainable and not is_packable(variable)
            groups.setdefault((variable.trainable, variable.dtype, i if alone else -1), []).append(
                i
            )
        self._hidden.groups = []
        for (trainable, dtype, _), members in groups.items():
            values = np.stack([flatten([row.variables[i] for i in members]) for row in rows])
            first = self.template.variables[members[0]]
            stack = self.add_weight(
                name="stack" if trainable else "states",
                shape=values.shape,
                initializer=lambda shape, dtype, values=values: keras.ops.cast(values, dtype),
                dtype=dtype,
                trainable=trainable,
                regularizer=getattr(first, "regularizer", None),
            )
            self._hidden.groups.append((stack, [self.template.variables[i] for i in members]))
        del rows[1:]

    def compute_output_spec(self, inputs, training=None):
        spec = _symbolic(self.template, inputs)
        _check_losses(f"The layer Keyed on '{self.decisions[0].name}'", self.template)
        if self.only is not None and spec.shape != getattr(inputs, "shape", None):
            raise ValueError(
                f"Keyed on '{self.decisions[0].name}': with `only` the layer must keep the shape "
                f"of its one input. It takes {inputs} and gives {spec.shape}."
            )
        return keras.KerasTensor(spec.shape, spec.dtype)

    def row(self, indices):
        """Returns the row of the stack for an architecture.

        Args:
            indices: Integers `(decisions,)`, a tensor or a sequence.

        Returns:
            Integer scalar; with `only`, -1 stands for none.
        """
        if self.only is not None:
            size = len(self.decisions[0].candidates)
            table = [self.only.index(i) if i in self.only else -1 for i in range(size)]
            index = indices[self.positions[0]]
            return tf.constant(table)[index] if isinstance(index, tf.Tensor) else table[index]
        row = 0
        for decision, position in zip(self.decisions, self.positions, strict=True):
            row = row * len(decision.candidates) + indices[position]
        return row

    def values_of(self, row):
        """Returns a dict from `id(variable)` of the template to its value in a row."""
        values = {}
        for stack, variables in self._hidden.groups:
            part = tf.slice(stack.value, [row, 0], [1, stack.shape[1]])[0]
            values.update(zip(map(id, variables), unflatten(part, variables), strict=True))
        return values

    def call(self, inputs, training=None):
        scope = current_scope()
        row = self.row(scope.architecture)

        def run():
            outputs, states = run_with(self.template, self.values_of(row), inputs, training)
            if training and not scope.batch_statistics:
                for stack, variables in self._hidden.groups:
                    if not stack.trainable:
                        new = tf.concat([tf.reshape(states[id(v)], [-1]) for v in variables], 0)
                        stack.assign(tf.tensor_scatter_nd_update(stack.value, [[row]], [new]))
            return outputs

        if self.only is None:
            return run()
        return tf.cond(row >= 0, run, lambda: tf.cast(inputs, self.compute_dtype))


def makes_losses(operation):
    """Whether an operation adds losses of its own, which cannot leave a conditional."""
    parts = operation._flatten_layers() if isinstance(operation, keras.Layer) else []
    for part in parts:
        code = getattr(type(part).call, "__code__", None)
        if getattr(part, "activity_regularizer", None):
            return True
        if code is not None and "add_loss" in code.co_names:
            return True
    return False


def _check_losses(who, layer):
    if makes_losses(layer):
        raise ValueError(
            f"{who} has an `activity_regularizer` or calls `add_loss`, and such a loss cannot "
            "leave a switch. Regularise its output instead (keras.layers.ActivityRegularization)."
        )


def _check_alike(choice, name, tensors):
    first = tensors[0]
    for i, tensor in enumerate(tensors):
        if (tensor.shape, tensor.dtype) != (first.shape, first.dtype):
            raise ValueError(
                f"The tensors of {choice} '{name}' differ: number 0 is {first.shape} "
                f"{first.dtype}, number {i} is {tensor.shape} {tensor.dtype}. "
                "Bring all of them to one shape and dtype first."
            )
