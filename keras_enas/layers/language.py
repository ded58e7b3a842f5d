"""What regularises a language model, where Keras has no layer for it."""

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


@keras.saving.register_keras_serializable(package="keras_enas")
class ActivationPenalty(keras.layers.Layer):
    """Adds penalties on activations `(streams, steps, units)` to the loss while training.

    `l2 mean(h^2) + slowness mean((h_t - h_{t-1})^2)` (Merity et al. 2017; in
    the released code of ENAS's language models). The output is the input.

    Args:
        l2: Float.
        slowness: Float.
        **kwargs: As in `keras.layers.Layer`.
    """

    def __init__(self, l2=0.0, slowness=0.0, **kwargs):
        super().__init__(**kwargs)
        self.l2 = l2
        self.slowness = slowness

    def build(self, input_shape):
        pass

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    def call(self, inputs, training=False):
        if training:
            x = tf.cast(inputs, "float32")
            if self.l2:
                self.add_loss(self.l2 * tf.reduce_mean(tf.square(x)))
            if self.slowness:
                # Of a single step there is no difference, and its mean would be NaN.
                steps = x[:, 1:] - x[:, :-1]
                total = tf.reduce_sum(tf.square(steps))
                self.add_loss(
                    self.slowness * tf.math.divide_no_nan(total, tf.cast(tf.size(steps), x.dtype))
                )
        return inputs

    def get_config(self):
        return {**super().get_config(), "l2": self.l2, "slowness": self.slowness}
