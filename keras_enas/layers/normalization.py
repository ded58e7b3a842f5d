"""Batch normalization in one fused kernel."""

import keras
import tensorflow as tf

# The fused kernel exists for these on a CPU too; other dtypes take Keras's own way.
_FUSED_DTYPES = ("float32",)


@keras.saving.register_keras_serializable(package="keras_enas")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` that trains in TensorFlow's fused kernel.

    Keras's layer takes moments and normalises in separate operations on the
    TensorFlow backend; the fused kernel made a step of a 12-layer network 1.7
    times faster on a CPU (`benchmarks/README.md`). What is computed is the
    same, moving averages included. Takes the arguments of the Keras layer; on
    inputs that are not float32 images with channels last it falls back to it.
    """

    def call(self, inputs, training=None, mask=None):
        fused = (
            training
            and self.trainable
            and mask is None
            and not self.renorm
            and self.scale
            and self.center
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and keras.backend.standardize_dtype(inputs.dtype) in _FUSED_DTYPES
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance, _, _, _ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=keras.ops.convert_to_tensor(self.gamma),
            offset=keras.ops.convert_to_tensor(self.beta),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel returns the unbiased variance; Keras keeps the biased one. Few operations: a
        # supergraph traces them for every candidate.
        count = tf.cast(tf.size(inputs), tf.float32) * (1.0 / inputs.shape[-1])
        variance -= variance / count
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average + (value - average) * (1.0 - self.momentum))
        return outputs

    def to_keras(self, inputs):
        """Applies the stock layers that compute the same.

        Args:
            inputs: A `KerasTensor`.

        Returns:
            The output, and a list of `(stock layer, function that returns its weights)`.
        """
        layer = keras.layers.BatchNormalization.from_config(self.get_config())
        return layer(inputs), [(layer, self.get_weights)]
