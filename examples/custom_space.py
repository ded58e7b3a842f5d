"""Searches a space of your own: an ordinary Keras hypermodel of stock layers, on digits.

python examples/custom_space.py
"""

import keras
import keras_tuner
from sklearn.datasets import load_digits

from keras_enas import ENASTuner, InputChoice, OpChoice, SkipChoice

FILTERS = 12


def candidates():
    conv = {"padding": "same", "activation": "relu"}
    return {
        "conv3": lambda: keras.layers.Conv2D(FILTERS, 3, **conv),
        "sep5": lambda: keras.layers.SeparableConv2D(FILTERS, 5, **conv),
        "max3": lambda: keras.layers.MaxPooling2D(3, strides=1, padding="same"),
    }


class MyHyperModel(keras_tuner.HyperModel):
    def build(self, hp):
        inputs = keras.Input((8, 8, 1))
        before, x = (keras.layers.Conv2D(FILTERS, size, padding="same")(inputs) for size in (1, 3))
        for i in range(4):
            with hp.name_scope(f"block_{i}"):
                y = InputChoice(hp, "source")([before, x])  # the last output or the one before
                y = OpChoice(hp, "op", candidates())(y)
                y, _ = SkipChoice(hp, "skip")(y, [x])  # add the last output, or not
            before, x = x, keras.layers.BatchNormalization(momentum=0.9)(y)
        x = keras.layers.GlobalAveragePooling2D()(x)
        model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model


def main():
    images, labels = load_digits(return_X_y=True)
    x = images.reshape(-1, 8, 8, 1).astype("float32") / 16
    tuner = ENASTuner(
        MyHyperModel(),
        objective="val_accuracy",
        max_trials=15,
        directory="runs",
        project_name="custom_space",
    )
    training, validation = (x[:1200], labels[:1200]), (x[1200:], labels[1200:])
    tuner.search(*training, validation_data=validation)
    # With the shared weights: they are meant to rank, and are not what a trained network scores.
    tuner.results_summary(3)
    # That is what this measures, beside a random architecture that is trained alike.
    best = tuner.retrain(*training, validation_data=validation, epochs=15, top=1, random_baseline=1)
    print("Best when trained:", best.architecture)


if __name__ == "__main__":
    main()
