"""A layer that every candidate of a decision has, each with weights of its own."""

import keras
import numpy as np
import tensorflow as tf

from keras_enas.supergraph.bodies import Body
from keras_enas.supergraph.candidates import build_on, check_losses, symbolic
from keras_enas.supergraph.drawing import Initializers
from keras_enas.supergraph.likeness import likeness
from keras_enas.supergraph.packing import Hidden, is_packable
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
        self._factory = factory
        self._hidden = Hidden([factory()])

    @property
    def template(self):
        """The layer that computes; `values_of` has the values of its weights."""
        return self._hidden.layers[0]

    def build(self, input_shape):
        initializers = Initializers(self.template)
        build_on(self.template, input_shape, self.compute_dtype)
        initializers.end()
        rows = [[keras.ops.convert_to_numpy(v) for v in self.template.variables]]
        for _ in range(self.num_rows - 1):
            values = initializers.draw(self.template.variables)
            if values is None:
                layer = self._factory()
                build_on(layer, input_shape, self.compute_dtype)
                values = [keras.ops.convert_to_numpy(v) for v in layer.variables]
            rows.append(values)
        groups = {}
        for i, variable in enumerate(self.template.variables):
            if getattr(variable, "constraint", None) is not None:
                raise ValueError(f"Keyed: the weight '{variable.path}' has a constraint.")
            alone = variable.trainable and not is_packable(variable)
            key = (variable.trainable, variable.dtype, i if alone else -1)
            groups.setdefault(key, []).append(i)
        self._hidden.stacks = []
        for (trainable, dtype, _), members in groups.items():
            values = np.stack([np.concatenate([row[i].ravel() for i in members]) for row in rows])
            # One slice cuts a row out of a flat stack; states have no gradient and are gathered.
            values = values.ravel() if trainable else values
            stack = self.add_weight(
                name="stack" if trainable else "states",
                shape=values.shape,
                initializer=lambda shape, dtype, values=values: keras.ops.cast(values, dtype),
                dtype=dtype,
                trainable=trainable,
                regularizer=getattr(self.template.variables[members[0]], "regularizer", None),
            )
            self._hidden.stacks.append(stack)
        variables = [[self.template.variables[i] for i in members] for members in groups.values()]
        self._hidden.body = Body(self.template, variables, likeness(self.template))

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
        """Returns the weights of a row for the `body`, a list of flat tensors."""
        values = []
        begin = tf.reshape(row, [1])
        for i, stack in enumerate(self._hidden.stacks):
            # Not `stack.trainable`, which says whether the user has frozen the layer.
            if i in self._hidden.body.trainable:
                size = stack.shape[0] // self.num_rows
                values.append(tf.slice(stack.value, begin * size, [size]))
            else:
                values.append(tf.gather(stack.value, row))
        return values

    def values_of(self, row):
        """Returns a dict from `id(variable)` of the template to its value in a row."""
        return self._hidden.body.values(self.flat_values_of(row))

    def call(self, inputs, training=None):
        scope = current_scope()
        row = self.row(scope.architecture)

        def run():
            weights = self.flat_values_of(row)
            outputs, *new = scope.bodies.run(self._hidden.body, inputs, weights, training)
            if training and not scope.batch_statistics:
                states = [self._hidden.stacks[i] for i in self._hidden.body.states]
                for stack, value in zip(states, new, strict=True):
                    place = tf.reshape(row, [1, 1])
                    stack.assign(
                        tf.tensor_scatter_nd_update(stack.value, place, tf.expand_dims(value, 0))
                    )
            return outputs

        if self.only is None:
            return run()
        return tf.cond(row >= 0, run, lambda: tf.cast(inputs, self.compute_dtype))
