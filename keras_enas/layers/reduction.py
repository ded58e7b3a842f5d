"""Halving an image without throwing half of it away."""

import keras
import numpy as np

from keras_enas.layers.normalization import BatchNormalization


@keras.saving.register_keras_serializable(package="keras_enas")
class FactorizedReduction(keras.layers.Layer):
    """Halves height and width with two shifted 1x1 convolutions of stride 2.

    One takes the even pixels, the other the odd ones; each gives half of the
    channels, and the result is normalised. Odd sizes round up. As in the
    released ENAS code (`factorized_reduction`), after Zoph et al. 2018.

    Args:
        filters: Integer of at least 2, output channels.
        momentum: Float, of the moving averages.
        epsilon: Float, added to the variance.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If `filters` is below 2.
    """

    def __init__(self, filters, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        if filters < 2:
            raise ValueError(
                f"`filters` must be at least 2, one for each path. Received: filters={filters}."
            )
        self.filters = filters
        self.normalization = BatchNormalization(
            momentum=momentum, epsilon=epsilon, dtype=self.dtype_policy
        )

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.filters), initializer="he_normal"
        )
        self.normalization.build(self.compute_output_shape(input_shape))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        half = [None if size is None else (size + 1) // 2 for size in (height, width)]
        return (batch, *half, self.filters)

    def _square_kernel(self):
        """The two 1x1 convolutions as one of 2x2: what each does not see is zero.

        Shifting the image instead means slicing it, and the gradient of a slice
        took half of a step on a CPU.
        """
        mask = np.zeros((2, 2, 1, self.filters), dtype="float32")
        mask[0, 0, 0, : self.filters // 2] = 1.0
        mask[1, 1, 0, self.filters // 2 :] = 1.0
        kernel = keras.ops.convert_to_tensor(self.kernel)
        return kernel[None, None] * keras.ops.cast(mask, kernel.dtype)

    def call(self, inputs, training=None):
        outputs = keras.ops.conv(inputs, self._square_kernel(), strides=2, padding="same")
        return self.normalization(outputs, training=training)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
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
        layer = keras.layers.Conv2D(
            self.filters, 2, strides=2, padding="same", use_bias=False, dtype=self.dtype_policy
        )
        outputs, pairs = self.normalization.to_keras(layer(inputs))
        return outputs, [(layer, lambda: [self._square_kernel()]), *pairs]
