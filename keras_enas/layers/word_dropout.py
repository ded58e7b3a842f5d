"""Dropout of whole words."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_enas")
class WordDropout(keras.layers.Layer):
    """Drops whole words: all places of a batch where a dropped one stands.

    The embedding dropout of Gal and Ghahramani 2016: one draw for each word of
    the vocabulary and batch. Called on `[tokens, embedded]`, int32
    `(streams, steps)` and float `(streams, steps, units)`, it gives the latter.

    Args:
        vocabulary_size: Integer.
        rate: Float, the share of words that is dropped.
        seed: Optional integer.
        **kwargs: As in `keras.layers.Layer`.
    """

    def __init__(self, vocabulary_size, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        pass

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs[1].shape, inputs[1].dtype)

    def call(self, inputs, training=False):
        tokens, embedded = inputs
        if not training or not self.rate:
            return embedded
        ones = tf.ones((self.vocabulary_size,), embedded.dtype)
        kept = keras.random.dropout(ones, self.rate, seed=self.seed_generator)
        return embedded * tf.gather(kept, tf.cast(tokens, tf.int32))[..., None]

    def get_config(self):
        config = {"vocabulary_size": self.vocabulary_size, "rate": self.rate, "seed": self.seed}
        return {**super().get_config(), **config}

    def to_keras(self, inputs):
        """Leaves the layer out: inference does not need it."""
        return inputs[1], []
