"""The search spaces that `step_time.py` measures, their children, and images for them."""

import keras
import keras_tuner
import numpy as np

from keras_enas import HyperMacroCNN, HyperMicroCNN, InputChoice, OpChoice, SkipChoice
from keras_enas.hypermodels.macro import OPERATIONS
from keras_enas.search_space import recorded_space

SHAPE, CLASSES = (32, 32, 3), 10

# Name: filters, batch size.
CONFIGS = {"16x64": (16, 64), "36x128": (36, 128)}


def macro(filters, operations=None):
    """The space of the table: the paper's, 12 layers."""
    return HyperMacroCNN(SHAPE, CLASSES, filters=filters, operations=operations)


def micro(filters, cells):
    """The micro space with so many normal cells."""
    return HyperMicroCNN(SHAPE, CLASSES, num_layers=cells, filters=filters)


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


def space_of(hypermodel):
    """The `SearchSpace` of a hypermodel, from the child that it builds by default."""
    hp = keras_tuner.HyperParameters()
    hypermodel.build(hp)
    return recorded_space(hp)


def child_of(hypermodel, architecture):
    """The child as the hypermodel builds it, of our layers, compiled."""
    return hypermodel.build(architecture.to_hyperparameters())


def noise(n, shape=SHAPE, classes=CLASSES):
    """Returns `n` images of random pixels and their labels, the same in every call."""
    rng = np.random.default_rng(0)
    return rng.random((n, *shape), dtype="float32"), rng.integers(0, classes, n)


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
