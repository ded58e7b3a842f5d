"""The search spaces that `step_time.py` measures, and their stock children."""

import unittest.mock

import keras
import keras_tuner

from keras_enas import HyperMacroCNN, InputChoice, OpChoice, SkipChoice, to_keras
from keras_enas.hypermodels.macro import OPERATIONS
from keras_enas.layers import FactorizedReduction

SHAPE, CLASSES = (32, 32, 3), 10


def macro(filters, operations=None):
    """The space of the table: the paper's, 12 layers."""
    return HyperMacroCNN(SHAPE, CLASSES, filters=filters, operations=operations)


def _convolution(size, **kwargs):
    return lambda filters: keras.layers.Conv2D(
        filters, size, padding="same", use_bias=False, **kwargs
    )


def _separable(size, **kwargs):
    return lambda filters: keras.layers.SeparableConv2D(
        filters, size, padding="same", use_bias=False, **kwargs
    )


# The six of the macro space first, so that an architecture of six is one of twelve as well.
TWELVE = {
    **OPERATIONS,
    "conv1": _convolution(1),
    "conv7": _convolution(7),
    "sep7": _separable(7),
    "dil3": _convolution(3, dilation_rate=2),
    "dilsep3": _separable(3, dilation_rate=2),
    "dilsep5": _separable(5, dilation_rate=2),
}


def child_of(hypermodel, space, indices):
    """The child as the hypermodel builds it, of our layers, compiled."""
    return hypermodel.build(space.architecture(indices).to_hyperparameters())


def stock_of(hypermodel, child):
    """The child written in stock layers, compiled alike.

    Its `FactorizedReduction` is one 2x2 convolution of stride 2 with zeros in
    it, which is faster than the slices and two convolutions that one would
    write: the comparison is stricter than with a network written by hand.
    """
    stock = to_keras(child)
    stock.compile(hypermodel._optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return stock


def by_hand_of(hypermodel, child):
    """The child in stock layers with `FactorizedReduction` as one writes it by hand.

    As in the released code: a 1x1 convolution of stride 2 of the image, another
    of the image shifted by one pixel, and their outputs side by side.
    """

    def reduction(self, inputs):
        half = self.filters // 2
        shifted = keras.layers.Cropping2D(((1, 0), (1, 0)))(
            keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(inputs)
        )
        paths = [
            keras.layers.Conv2D(filters, 1, strides=2, use_bias=False)(x)
            for filters, x in ((half, inputs), (self.filters - half, shifted))
        ]
        return self.normalization.to_keras(keras.layers.Concatenate()(paths))

    with unittest.mock.patch.object(FactorizedReduction, "to_keras", reduction):
        return stock_of(hypermodel, child)


class OwnSpace(keras_tuner.HyperModel):
    """What a user may write: stock layers only, several in a candidate, no keyed layers."""

    def __init__(self, filters):
        super().__init__()
        self.filters = filters

    def candidates(self):
        def normalized(make):
            def branch():
                return keras.Sequential(
                    [make(), keras.layers.BatchNormalization(), keras.layers.ReLU()]
                )

            return branch

        filters = self.filters
        return {
            "conv3": normalized(lambda: keras.layers.Conv2D(filters, 3, padding="same")),
            "conv5": normalized(lambda: keras.layers.Conv2D(filters, 5, padding="same")),
            "sep3": normalized(lambda: keras.layers.SeparableConv2D(filters, 3, padding="same")),
            "max3": lambda: keras.layers.MaxPooling2D(3, strides=1, padding="same"),
            "none": lambda: keras.layers.Identity(),
        }

    def build(self, hp):
        inputs = keras.Input(SHAPE)
        x = before = keras.layers.Conv2D(self.filters, 3, padding="same")(inputs)
        for k in range(6):
            with hp.name_scope(f"block_{k}"):
                source = InputChoice(hp, "source")([before, x])
                y = OpChoice(hp, "op", self.candidates())(source)
                y, _ = SkipChoice(hp, "skip")(y, [x])
            before, x = x, y
            if k in (1, 3):
                before, x = (keras.layers.AveragePooling2D(2)(t) for t in (before, x))
        x = keras.layers.GlobalAveragePooling2D()(x)
        model = keras.Model(inputs, keras.layers.Dense(CLASSES, activation="softmax")(x))
        model.compile(
            keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model
