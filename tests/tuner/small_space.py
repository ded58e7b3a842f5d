"""A search space that traces in a second, and data for it."""

import keras
import keras_tuner
from sklearn.datasets import load_digits

from keras_enas import (
    AntColonyOracle,
    ENASOracle,
    FactorizedOracle,
    OpChoice,
    ProgressiveOracle,
    QLearningOracle,
    RandomOracle,
    RegularizedEvolutionOracle,
    SkipChoice,
)


class SmallSpace(keras_tuner.HyperModel):
    """Two dense layers with a skip: 18 architectures.

    It has what a state must hold beside weights: moving averages, a random
    state (dropout), momentum.

    Args:
        labels: Labels of the operations, out of `relu`, `tanh` and `id`.
        learning_rate: Float.
        metrics: As in `compile`.
        tune_rate: Boolean, whether the learning rate is a hyperparameter.
        shape: Tuple, of an input of 64 numbers.
        units: Integer, of each layer.
    """

    def __init__(
        self,
        labels=("relu", "tanh", "id"),
        learning_rate=0.1,
        metrics=("accuracy",),
        tune_rate=False,
        shape=(64,),
        units=16,
    ):
        self.labels = labels
        self.learning_rate = learning_rate
        self.metrics = metrics
        self.tune_rate = tune_rate
        self.shape = shape
        self.units = units
        super().__init__()

    def build(self, hp):
        makers = {
            "relu": lambda: keras.layers.Dense(self.units, "relu"),
            "tanh": lambda: keras.layers.Dense(self.units, "tanh"),
            "id": lambda: keras.layers.Identity(),
        }
        inputs = keras.Input(self.shape)
        x = keras.layers.Dense(self.units)(keras.layers.Reshape((64,))(inputs))
        earlier = []
        for i in range(2):
            with hp.name_scope(f"layer_{i}"):
                y = OpChoice(hp, "op", {label: makers[label] for label in self.labels})(x)
                y, earlier = SkipChoice(hp, "skip")(y, earlier)
            earlier = [*earlier, x]
            x = keras.layers.BatchNormalization()(y)
        x = keras.layers.Dropout(0.1)(x)
        outputs = keras.layers.Dense(10, "softmax", dtype="float32")(x)
        rate = self.learning_rate
        if self.tune_rate:
            rate = hp.Float("rate", 0.01, 1.0, default=rate)
        model = keras.Model(inputs, outputs)
        model.compile(
            keras.optimizers.SGD(rate, momentum=0.9),
            "sparse_categorical_crossentropy",
            metrics=list(self.metrics),
        )
        return model


class WithoutSkips(SmallSpace):
    """Says that its skip does nothing: nine architectures are simplest forms."""

    def simplest(self, architecture):
        return architecture.space.architecture([*architecture.indices[:-1], 0])


# As small as a search can be. `seed` and the folder are for the test to give.
TINY = {
    "max_trials": 2,
    "controller_updates": 2,
    "samples_per_update": 4,
    "derive_samples": 3,
    "derive_batches": 2,
    "final_samples": 6,
}


# Every strategy, for searches of a few samples.
STRATEGIES = {
    AntColonyOracle: {},
    ENASOracle: {},
    FactorizedOracle: {},
    ProgressiveOracle: {"samples_per_stage": 4, "samples_per_fit": 4},
    QLearningOracle: {},
    RandomOracle: {},
    RegularizedEvolutionOracle: {"population_size": 4, "sample_size": 2},
}


def load():
    """Returns `(x, y)` of 300 digits for training and of 100 for validation."""
    digits = load_digits()
    x, y = (digits.data / 16).astype("float32"), digits.target
    return (x[:300], y[:300]), (x[300:400], y[300:400])
