"""A classifier halfway through a network, which only trains it."""

import keras

from keras_enas.layers import BatchNormalization


def auxiliary_head(features, num_classes):
    """Class probabilities of an early stage, as in the released code (`_build_aux_head`).

    ReLU, average pooling of 5x5 with stride 3, a 1x1 convolution to 128 channels,
    one over the whole image to 768, a dense softmax. On images below 5x5 the
    pooling takes the whole image.

    Args:
        features: `KerasTensor` `(batch, height, width, channels)`.
        num_classes: Integer.

    Returns:
        `KerasTensor` `(batch, num_classes)` of a layer named `aux`.
    """

    def convolve(x, filters, size):
        x = keras.layers.Conv2D(filters, size, use_bias=False, kernel_initializer="he_normal")(x)
        x = BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        return keras.layers.ReLU()(x)

    pool = tuple(min(5, size) for size in features.shape[1:3])
    x = keras.layers.ReLU()(features)
    x = keras.layers.AveragePooling2D(pool, strides=3)(x)
    x = convolve(x, 128, 1)
    x = convolve(x, 768, x.shape[1:3])
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(num_classes, use_bias=False)(x)
    return keras.layers.Activation("softmax", dtype="float32", name="aux")(x)
