"""A layer that every candidate of a decision has, each with weights of its own."""

import keras
import numpy as np
import tensorflow as tf

from keras_enas.supergraph.bodies import compute
from keras_enas.supergraph.candidates import build_on, check_losses, symbolic
from keras_enas.supergraph.likeness import likeness
from keras_enas.supergraph.packing import Hidden, flatten, is_packable, unflatten
from keras_enas.supergraph.scope import current_scope


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
            build_on(row, input_shape, self.compute_dtype)
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
            # One slice cuts a row out of a flat stack; states have no gradient and are gathered.
            values = values.ravel() if trainable else values
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
        self.likeness = likeness(self.template)

    def compute_output_spec(self, inputs, training=None):
        spec = symbolic(self.template, inputs)
        check_losses(f"The layer Keyed on '{self.decisions[0].name}'", self.template)
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

    def flat_values_of(self, row):
        """Returns a list with the flat value of each group of the template's variables in a row."""
        values = []
        for stack, _ in self._hidden.groups:
            if stack.trainable:
                size = stack.shape[0] // self.num_rows
                values.append(tf.slice(stack.value, [row * size], [size]))
            else:
                values.append(tf.gather(stack.value, row))
        return values

    def values_of(self, row):
        """Returns a dict from `id(variable)` of the template to its value in a row."""
        values = {}
        for flat, (_, variables) in zip(self.flat_values_of(row), self._hidden.groups, strict=True):
            values.update(zip(map(id, variables), unflatten(flat, variables), strict=True))
        return values

    def call(self, inputs, training=None):
        scope = current_scope()
        row = self.row(scope.architecture)

        def run():
            weights = self.flat_values_of(row)
            outputs, *states = scope.bodies.run(self, weights, inputs, training)
            if training and not scope.batch_statistics:
                stacks = [stack for stack, _ in self._hidden.groups if not stack.trainable]
                for stack, new in zip(stacks, states, strict=True):
                    stack.assign(tf.tensor_scatter_nd_update(stack.value, [[row]], [new]))
            return outputs

        if self.only is None:
            return run()
        return tf.cond(row >= 0, run, lambda: tf.cast(inputs, self.compute_dtype))

    def compute(self, weights, inputs, training):
        """What `Bodies.run` runs."""
        groups = [variables for _, variables in self._hidden.groups]
        return compute(self.template, groups, weights, inputs, training)
