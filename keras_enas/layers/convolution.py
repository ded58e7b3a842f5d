"""Convolution, normalisation and activation as one layer.

A layer call costs about as much to trace as the operations in it, and a keyed
layer gathers all its weights at once: so what always stands together is one layer.
"""

import keras

from keras_enas.layers.normalization import BatchNormalization


@keras.saving.register_keras_serializable(package="keras_enas")
class NormActivation(keras.layers.Layer):
    """Batch normalization, then ReLU.

    Args:
        momentum: Float, of the moving averages.
        epsilon: Float, added to the variance.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.normalization = BatchNormalization(
            momentum=momentum, epsilon=epsilon, dtype=self.dtype_policy
        )
        # By this name whoever looks at activations finds it, as that of a Keras layer.
        self.activation = keras.ops.relu

    def build(self, input_shape):
        self.normalization.build(input_shape)

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, inputs, training=None):
        return self.activation(self.normalization(inputs, training=training))

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.normalization.momentum,
            "epsilon": self.normalization.epsilon,
        }

    def to_keras(self, inputs):
        """Applies the stock layers that compute the same.

        Args:
            inputs: A `KerasTensor`.

        Returns:
            The output, and a list of `(stock layer, function that returns its weights)`.
        """
        outputs, pairs = self.normalization.to_keras(inputs)
        return keras.layers.ReLU()(outputs), pairs


@keras.saving.register_keras_serializable(package="keras_enas")
class ConvNormActivation(NormActivation):
    """A convolution without bias, batch normalization, then ReLU; size kept.

    Args:
        filters: Integer, output channels.
        kernel_size: Integer.
        momentum: Float, of the moving averages.
        epsilon: Float, added to the variance.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, filters, kernel_size=1, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        self.convolution = keras.layers.Conv2D(
            filters,
            kernel_size,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape):
        self.convolution.build(input_shape)
        super().build(self.compute_output_shape(input_shape))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.convolution.filters)

    def call(self, inputs, training=None):
        return super().call(self.convolution(inputs), training=training)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.convolution.filters,
            "kernel_size": self.convolution.kernel_size,
        }

    def to_keras(self, inputs):
        """As `NormActivation.to_keras`."""
        convolution = keras.layers.Conv2D.from_config(self.convolution.get_config())
        outputs, pairs = super().to_keras(convolution(inputs))
        return outputs, [(convolution, self.convolution.get_weights), *pairs]
