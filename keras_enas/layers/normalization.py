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
            and not self.synchronized
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and keras.backend.standardize_dtype(inputs.dtype) in _FUSED_DTYPES
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        outputs, mean, variance, _, _, _ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=keras.ops.convert_to_tensor(self.gamma) if self.scale else tf.ones([channels]),
            offset=keras.ops.convert_to_tensor(self.beta) if self.center else tf.zeros([channels]),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
            is_training=True,
        )
        averages = (self.moving_mean, self.moving_variance)
        new = moved_averages(self, averages, mean, variance, inputs)
        for average, value in zip(averages, new, strict=True):
            average.assign(value)
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


def moved_averages(layer, averages, mean, variance, inputs):
    """Moves the averages of a normalisation towards the statistics of a batch.

    Args:
        layer: A `BatchNormalization`.
        averages: Pair of the values of its moving mean and variance.
        mean: Float tensor `(channels,)`, from the fused kernel.
        variance: Likewise.
        inputs: Tensor of the shape of the layer's input.

    Returns:
        List of the two new values.
    """
    # The kernel returns the unbiased variance; Keras keeps the biased one. Few operations: a
    # supergraph traces them for every candidate.
    count = tf.cast(tf.size(inputs), tf.float32) * (1.0 / inputs.shape[-1])
    return [
        average + (value - average) * (1.0 - layer.momentum)
        for average, value in zip(averages, (mean, variance - variance / count), strict=True)
    ]
