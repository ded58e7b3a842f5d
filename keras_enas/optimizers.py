"""Optimizers that Keras does not have."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_enas")
class SparseSGD(keras.optimizers.SGD):
    """Stochastic gradient descent that touches only the rows that were used.

    With `global_clipnorm`, `keras.optimizers.SGD` makes every sparse gradient
    dense. The stacks of a supergraph's `KeyedWeight`s are many times as large as
    what a step uses, and such gradients would cost more than the step. Here they
    stay sparse. Without momentum and weight decay the result is the same.

    Args:
        learning_rate: As in `keras.optimizers.SGD`.
        global_clipnorm: Optional float, as there.
        **kwargs: As there; `momentum` makes gradients dense again.
    """

    def apply(self, grads, trainable_variables=None):
        norm, self.global_clipnorm = self.global_clipnorm, None
        try:
            if norm:
                grads = _clipped(list(grads), norm)
            super().apply(grads, trainable_variables)
        finally:
            self.global_clipnorm = norm


def _clipped(gradients, norm):
    """`tf.clip_by_global_norm`, in which several rows of one index count as their sum."""
    gradients = [_unique_rows(gradient) for gradient in gradients]
    return tf.clip_by_global_norm(gradients, norm)[0]


def _unique_rows(gradient):
    if not isinstance(gradient, tf.IndexedSlices) or gradient.indices.shape == (1,):
        return gradient
    indices, places = tf.unique(gradient.indices)
    rows = tf.math.unsorted_segment_sum(gradient.values, places, tf.shape(indices)[0])
    return tf.IndexedSlices(rows, indices, gradient.dense_shape)
