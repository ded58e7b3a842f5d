"""A space small enough to be built in a second, with what a score has to find its way around."""

import keras
import keras_tuner

from keras_enas import InputChoice, Keyed, OpChoice
from keras_enas.layers import BatchNormalization, ConvNormActivation, ReLUConvNorm, Zeros


class HyperSmall(keras_tuner.HyperModel):
    """A keyed layer, a switch and a choice of inputs, each with ReLUs of its own kind: 12."""

    def build(self, hp):
        inputs = keras.Input((6, 6, 2))
        x = BatchNormalization()(keras.layers.Conv2D(4, 3, padding="same")(inputs))
        y = OpChoice(
            hp,
            "op",
            {
                "conv": lambda: ReLUConvNorm(4, (3,)),
                "dense": lambda: keras.layers.Conv2D(4, 1, activation="relu"),
                "none": lambda: Zeros(),
            },
        )(x)
        y = Keyed(hp, "op", lambda: ConvNormActivation(4))(y)
        z = keras.layers.Add()([x, y])
        unneeded = keras.layers.ReLU()(keras.layers.Conv2D(4, 1)(y))
        z = InputChoice(hp, "input")([unneeded, z])
        z = OpChoice(
            hp, "last", {"id": keras.layers.Identity, "conv": lambda: ReLUConvNorm(4, (1,))}
        )(z)
        z = keras.layers.GlobalAveragePooling2D()(z)
        model = keras.Model(inputs, keras.layers.Dense(3, "softmax", dtype="float32")(z))
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model
