"""ReLU, convolution, normalisation: the order in which cells compute."""

import keras

from keras_enas.layers.normalization import BatchNormalization


@keras.saving.register_keras_serializable(package="keras_enas")
class ReLUConvNorm(keras.layers.Layer):
    """ReLU, convolution without bias, batch normalization; once for each kernel size.

    As in the cells of NASNet and ENAS, where a separable convolution stands
    twice (`kernel_sizes=(3, 3)`, `separable=True`).

    Args:
        filters: Integer, output channels.
        kernel_sizes: Tuple of integers or of pairs, one for each convolution.
        separable: Boolean, whether the convolutions are depthwise separable.
        strides: Integer, of the first convolution.
        dilation_rate: Integer, of all convolutions.
        normalize: Boolean; without, a convolution is followed by nothing.
        momentum: Float, of the moving averages.
        epsilon: Float, added to the variance.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(
        self,
        filters,
        kernel_sizes=(1,),
        separable=False,
        strides=1,
        dilation_rate=1,
        normalize=True,
        momentum=0.9,
        epsilon=1e-5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._config = {
            "filters": filters,
            # Lists when read back from a file.
            "kernel_sizes": tuple(k if isinstance(k, int) else tuple(k) for k in kernel_sizes),
            "separable": separable,
            "strides": strides,
            "dilation_rate": dilation_rate,
            "normalize": normalize,
            "momentum": momentum,
            "epsilon": epsilon,
        }
        kind = keras.layers.SeparableConv2D if separable else keras.layers.Conv2D
        names = ("depthwise", "pointwise") if separable else ("kernel",)
        # By this name whoever looks at activations finds it, as that of a Keras layer.
        self.activation = keras.ops.relu
        initializers = {f"{name}_initializer": "he_normal" for name in names}
        self.convolutions = [
            kind(
                filters,
                size,
                strides=1 if i else strides,
                padding="same",
                dilation_rate=dilation_rate,
                use_bias=False,
                dtype=self.dtype_policy,
                **initializers,
            )
            for i, size in enumerate(kernel_sizes)
        ]
        self.normalizations = [
            BatchNormalization(momentum=momentum, epsilon=epsilon, dtype=self.dtype_policy)
            for _ in (kernel_sizes if normalize else ())
        ]

    def build(self, input_shape):
        for i, convolution in enumerate(self.convolutions):
            convolution.build(input_shape)
            input_shape = convolution.compute_output_shape(input_shape)
            if self.normalizations:
                self.normalizations[i].build(input_shape)

    def compute_output_shape(self, input_shape):
        for convolution in self.convolutions:
            input_shape = convolution.compute_output_shape(input_shape)
        return input_shape

    def call(self, inputs, training=None):
        x = inputs
        for i, convolution in enumerate(self.convolutions):
            x = convolution(self.activation(x))
            if self.normalizations:
                x = self.normalizations[i](x, training=training)
        return x

    def get_config(self):
        return {**super().get_config(), **self._config}

    def to_keras(self, inputs):
        """Applies the stock layers that compute the same.

        Args:
            inputs: A `KerasTensor`.

        Returns:
            The output, and a list of `(stock layer, function that returns its weights)`.
        """
        x, pairs = inputs, []
        for i, convolution in enumerate(self.convolutions):
            copy = type(convolution).from_config(convolution.get_config())
            x = copy(keras.layers.ReLU()(x))
            pairs.append((copy, convolution.get_weights))
            if self.normalizations:
                x, more = self.normalizations[i].to_keras(x)
                pairs += more
        return x, pairs
