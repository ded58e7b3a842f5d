"""Layers that do what the current architecture says, and only that.

Each reads its index from the scope while the step is traced and hands it to a
conditional of TensorFlow, so that the other candidates cost nothing, forward or
backward. README.md in this folder says what this took.
"""

import keras
import tensorflow as tf

from keras_enas.supergraph.candidates import build_on, check_alike, check_losses, symbolic
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


class Branches(keras.layers.Layer):
    """Layers of which some run; their small weights lie together in one variable.

    Gradients are dense: weights of layers that did not run get zeros, so momentum
    and weight decay go on moving them, as in the released code of ENAS.

    Args:
        layers: List of layers.
    """

    def __init__(self, layers, **kwargs):
        # The layers cast for themselves: weights and averages reach them in full precision.
        super().__init__(autocast=False, **kwargs)
        self._hidden = Hidden(list(layers))

    @property
    def branches(self):
        """The layers; where their weights are packed, `values_of` has the values."""
        return self._hidden.layers

    def _pack(self, input_shapes):
        """Builds each layer on its input shape, and takes its weights over."""
        for branch, shape in zip(self.branches, input_shapes, strict=True):
            build_on(branch, shape, self.compute_dtype)
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

    def values_of(self, index):
        """Returns a dict from `id(variable)` to the value of each packed weight of a branch."""
        variables = self._hidden.packed[index]
        if not variables:
            return {}
        start = sum(self._hidden.sizes[:index])
        part = tf.slice(self.bank.value, [start], [self._hidden.sizes[index]])
        return dict(zip(map(id, variables), unflatten(part, variables), strict=True))

    def run(self, index, inputs, training):
        """Calls one of the layers."""
        branch = self.branches[index]
        outputs, states = run_with(branch, self.values_of(index), inputs, training)
        if training and not current_scope().batch_statistics:
            for variable in branch.non_trainable_variables:
                if id(variable) in states:
                    variable.assign(states[id(variable)])
        return outputs


class OpSwitch(Branches):
    """All candidates of an `OpChoice`; runs the chosen one.

    Args:
        decision: The `Decision`.
        position: Integer, its place in the architecture.
        branches: Dict from label to layer.
    """

    def __init__(self, decision, position, branches, **kwargs):
        super().__init__(branches.values(), **kwargs)
        self.decision = decision
        self.position = position
        self.labels = list(branches)

    def build(self, input_shape):
        self._pack([input_shape] * len(self.branches))

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

    def call(self, inputs, training=None):
        index = current_scope().architecture[self.position]
        branches = [lambda i=i: self.run(i, inputs, training) for i in range(len(self.branches))]
        needed = needed_by_scope(self)
        if needed is not None:
            index = tf.where(needed, index, len(branches))
            branches.append(lambda: dead(self._hidden.output))
        return tf.switch_case(index, branches)


class LooseEndsSwitch(Branches):
    """Adds up what no choice took, each tensor through a layer of its own.

    Args:
        decisions: The `Decision`s that chose among the tensors.
        positions: Their places in the architecture.
        layers: List of layers, one for each tensor. The last tensor was offered
            to none of the decisions.
    """

    def __init__(self, decisions, positions, layers, **kwargs):
        super().__init__(layers, **kwargs)
        self.decisions = decisions
        self.positions = positions
        # Indices of inputs whose gradient may be missing; see zero_gradients.py.
        self.without_zeros = set()

    def build(self, input_shape):
        self._pack(input_shape)

    def positions_offering(self, index):
        """The positions of the decisions that have an input among their candidates."""
        return [
            position
            for decision, position in zip(self.decisions, self.positions, strict=True)
            if index < len(decision.candidates)
        ]

    def compute_output_spec(self, inputs, training=None):
        specs = [symbolic(layer, x) for layer, x in zip(self.branches, inputs, strict=True)]
        check_alike("LooseEnds", self.decisions[0].scope, specs)
        for layer in self.branches:
            check_losses("A layer of LooseEnds", layer)
        return keras.KerasTensor(specs[0].shape, specs[0].dtype)

    def call(self, inputs, training=None):
        architecture = current_scope().architecture
        chosen = tf.stack([architecture[position] for position in self.positions])
        used = tf.reduce_any(chosen[:, None] == tf.range(len(inputs) - 1)[None], axis=0)
        total = self.run(len(inputs) - 1, inputs[-1], training)
        for i, taken in enumerate(tf.unstack(used, len(inputs) - 1)):
            x = _missing_if(taken, inputs[i]) if i in self.without_zeros else inputs[i]
            total = tf.cond(
                taken,
                lambda t=total: t,
                lambda t=total, i=i, x=x: t + self.run(i, x, training),
            )
        return total


def _missing_if(taken, x):
    """Of no sample where it is taken, and so is its gradient."""

    @tf.custom_gradient
    def select(x):
        return tf.cond(taken, lambda: dead(x), lambda: x), lambda upstream: upstream

    return select(x)


class InputSwitch(keras.layers.Layer):
    """Gives the chosen one of its inputs.

    Args:
        decision: The `Decision`.
        position: Integer, its place in the architecture.
        pass_on: Boolean, whether to give all inputs after the chosen one, too. Who
            goes on with these has gradients added up for chosen tensors only, as
            with `SkipSwitch`.
    """

    def __init__(self, decision, position, pass_on=False, **kwargs):
        super().__init__(**kwargs)
        self.decision = decision
        self.position = position
        self.pass_on = pass_on
        # Whether a gradient from behind may be missing; see zero_gradients.py.
        self.may_miss = False

    def compute_output_spec(self, inputs):
        check_alike("InputChoice", self.decision.name, inputs)
        chosen, *others = [keras.KerasTensor(x.shape, x.dtype) for x in [inputs[0], *inputs]]
        return [chosen, *others] if self.pass_on else chosen

    def build(self, input_shape):
        pass

    def call(self, inputs):
        index = current_scope().architecture[self.position]

        def choose(*inputs):
            return tf.switch_case(index, [lambda x=x: x for x in inputs])

        if not self.pass_on:
            return choose(*inputs)

        @tf.custom_gradient
        def choose_and_pass_on(*inputs):
            def gradient(upstream, *passed_on):
                if self.may_miss:
                    total = _sum(choose(*passed_on), upstream)

                    def put(i):
                        return [total if j == i else d for j, d in enumerate(passed_on)]
                else:

                    def put(i):
                        return [d + upstream if j == i else d for j, d in enumerate(passed_on)]

                return tf.switch_case(index, [lambda i=i: put(i) for i in range(len(passed_on))])

            return [choose(*inputs), *inputs], gradient

        return choose_and_pass_on(*inputs)


def _sum(gradient, upstream):
    """The sum of two gradients, of which the first may be missing."""
    missing = tf.shape(gradient)[0] == 0
    return tf.cond(missing, lambda: upstream, lambda: gradient + upstream)


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
        check_alike("SkipChoice", self.decisions[0].group, inputs)
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

            return [total, *earlier], gradient

        return add_chosen(*inputs)
