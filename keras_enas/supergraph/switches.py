"""Layers that do what the current architecture says, and only that.

Each reads its index from the scope while the step is traced and hands it to a
conditional of TensorFlow, so that the other candidates cost nothing, forward or
backward. README.md in this folder says what this took.
"""

import keras
import tensorflow as tf

from keras_enas.supergraph.candidates import build_on, check_losses, symbolic
from keras_enas.supergraph.packing import (
    Hidden,
    flatten,
    is_packable,
    run_with,
    sizes,
    unflatten,
)
from keras_enas.supergraph.scope import current_scope, needed_by_scope


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
            build_on(branch, input_shape, self.compute_dtype)
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
        specs = [symbolic(branch, inputs) for branch in self.branches]
        for label, branch, spec in zip(self.labels, self.branches, specs, strict=True):
            if (spec.shape, spec.dtype) != (specs[0].shape, specs[0].dtype):
                raise ValueError(
                    f"The candidates of OpChoice '{self.decision.name}' differ in their output: "
                    f"'{self.labels[0]}' gives {specs[0].shape} {specs[0].dtype}, '{label}' gives "
                    f"{spec.shape} {spec.dtype}. Give all of them one shape and dtype."
                )
            check_losses(f"Candidate '{label}' of OpChoice '{self.decision.name}'", branch)
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


def _check_alike(choice, name, tensors):
    first = tensors[0]
    for i, tensor in enumerate(tensors):
        if (tensor.shape, tensor.dtype) != (first.shape, first.dtype):
            raise ValueError(
                f"The tensors of {choice} '{name}' differ: number 0 is {first.shape} "
                f"{first.dtype}, number {i} is {tensor.shape} {tensor.dtype}. "
                "Bring all of them to one shape and dtype first."
            )
