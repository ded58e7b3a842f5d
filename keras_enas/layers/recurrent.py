"""A recurrent cell over sequences, its state carried from batch to batch."""

import keras
import tensorflow as tf

from keras_enas.layers.carry import Memory, carried_by_scope
from keras_enas.layers.highway import highway_sequence
from keras_enas.layers.highway_cell import HighwayCell


@keras.saving.register_keras_serializable(package="keras_enas")
class Recurrent(keras.layers.Layer):
    """Runs a `HighwayCell` over sequences `(streams, steps, features)`.

    It reads the decisions and gathers the matrices once, before the loop over
    the steps. Its output is `(streams, steps, units)`. Within `carrying` it goes
    on from the state in which it left off, as `LanguageModel` has it.

    Args:
        cell: A `HighwayCell`.
        dropout: Float, the share of a state that is dropped before every matrix
            of a node, the same units in all nodes and steps of a batch
            (variational dropout, Gal and Ghahramani 2016).
        kernel_l2: Float; while training, this times the sum of squares of the
            cell's matrices is added to the loss. Of the supergraph's, those of
            the current architecture alone count, as they do in its child.
        seed: Optional integer, of the dropout.
        **kwargs: As in `keras.layers.Layer`.
    """

    def __init__(self, cell, dropout=0.0, kernel_l2=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(cell, HighwayCell):
            raise ValueError(f"`cell` must be a HighwayCell. Received: cell={cell!r}.")
        if not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must lie in [0, 1). Received: dropout={dropout!r}.")
        if not kernel_l2 >= 0:
            raise ValueError(f"`kernel_l2` must not be negative. Received: {kernel_l2!r}.")
        self.cell = cell
        self.dropout = dropout
        self.kernel_l2 = kernel_l2
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed) if dropout else None
        # The state that it keeps has no fixed number of streams, which XLA could not do.
        self.supports_jit = False

    def build(self, input_shape):
        if len(input_shape) != 3:
            raise ValueError(
                "`Recurrent` takes (streams, steps, features). "
                f"Received an input of shape {tuple(input_shape)}."
            )
        # A cell that was loaded is built already.
        if not self.cell.built:
            self.cell.build((input_shape[0], *input_shape[2:]))
        with tf.init_scope():
            self.memory = Memory(self.cell.units, self.compute_dtype)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor((*inputs.shape[:2], self.cell.units), self.compute_dtype)

    def call(self, inputs, training=False):
        streams = tf.shape(inputs)[0]
        kernels = self.cell.kernels()
        mask = None
        if training and self.dropout:
            ones = tf.ones((streams, self.cell.units), self.compute_dtype)
            mask = keras.random.dropout(ones, self.dropout, seed=self.seed_generator)
        memory = carried_by_scope(self)
        if memory is None:
            state = tf.zeros((streams, self.cell.units), self.compute_dtype)
        else:
            state = memory.read(streams)
        outputs, state = highway_sequence(
            self.cell.project(tf.transpose(inputs, (1, 0, 2))),
            state,
            kernels,
            self.cell.decisions(mask),
            training,
        )
        if memory is not None:
            memory.write(state)
        if training and self.kernel_l2:
            matrices = [tf.convert_to_tensor(self.cell.input_kernel), *kernels]
            squares = [tf.reduce_sum(tf.square(tf.cast(k, "float32"))) for k in matrices]
            self.add_loss(self.kernel_l2 * tf.add_n(squares))
        return tf.transpose(outputs, (1, 0, 2))

    def get_config(self):
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell),
            "dropout": self.dropout,
            "kernel_l2": self.kernel_l2,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("cell")), **config)
