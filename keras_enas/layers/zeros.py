"""An operation that gives nothing on."""

import keras


@keras.saving.register_keras_serializable(package="keras_enas")
class Zeros(keras.layers.Layer):
    """Zeros of the shape and dtype of its input: the operation `none` of NAS-Bench-201."""

    def build(self, input_shape):
        pass

    def call(self, inputs):
        return keras.ops.zeros_like(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def to_keras(self, inputs):
        """Applies the stock layer that computes the same for finite inputs; it has no weights."""
        return keras.layers.Rescaling(0.0)(inputs), []
