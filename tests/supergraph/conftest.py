import keras
import keras_tuner
import numpy as np
import pytest

from keras_enas import layers
from keras_enas.choices import InputChoice, Keyed, OpChoice, SkipChoice
from keras_enas.hypermodels import HyperMacroCNN, HyperMicroCNN
from keras_enas.supergraph import Supergraph

FILTERS = 4


class Block(keras.layers.Layer):
    """A user's layer that makes a choice itself."""

    def __init__(self, hp, **kwargs):
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(FILTERS)
        self.chosen = OpChoice(
            hp,
            "block",
            {
                "tanh": lambda: keras.layers.Dense(FILTERS, activation="tanh"),
                "wide": lambda: keras.Sequential(
                    [keras.layers.Dense(7, activation="relu"), keras.layers.Dense(FILTERS)]
                ),
            },
        )
        self.gain = self.add_weight(name="gain", shape=(FILTERS,), initializer="ones")

    def build(self, input_shape):
        self.first.build(input_shape)
        self.chosen.build((*input_shape[:-1], FILTERS))

    def call(self, inputs, training=None):
        return self.gain * self.chosen(self.first(inputs), training=training)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], FILTERS)


class UserSpace(keras_tuner.HyperModel):
    """What a user may write: any layers, a repeated cell, a model in a model, all the words."""

    def __init__(self, optimizer=None, dropout=0.3, **kwargs):
        super().__init__(**kwargs)
        self.make_optimizer = optimizer or (lambda: keras.optimizers.SGD(0.05, momentum=0.9))
        self.dropout = dropout

    def cell(self, hp, x):
        """Used twice: its decisions are made once and hold in both places."""
        before = x
        x = OpChoice(
            hp,
            "op",
            {
                "convbn": lambda: keras.Sequential(
                    [
                        keras.layers.Conv2D(FILTERS, 3, padding="same"),
                        keras.layers.BatchNormalization(),
                        keras.layers.ReLU(),
                        keras.layers.Dropout(self.dropout),
                    ]
                ),
                "sep": lambda: keras.layers.SeparableConv2D(FILTERS, 3, padding="same"),
                "drop": lambda: keras.layers.Dropout(self.dropout),
                "pool": lambda: layers.MaxPooling2D(3, 1, "same"),
                "l2": lambda: keras.layers.Conv2D(FILTERS, 1, kernel_regularizer="l2"),
                "norm": lambda: keras.layers.BatchNormalization(),
            },
        )(x)
        x = Keyed(hp, "op", lambda: keras.layers.BatchNormalization(momentum=0.8))(x)
        x = Keyed(
            hp,
            "op",
            lambda: keras.layers.Conv2D(FILTERS, 1, kernel_regularizer="l2"),
            only=["sep", "pool"],
        )(x)
        return x, InputChoice(hp, "input")([before, x])

    def build(self, hp):
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(FILTERS, 3, padding="same")(inputs)
        earlier = [x]
        with hp.name_scope("cell"):
            for _ in range(2):
                x, chosen = self.cell(hp, x)
                earlier.append(chosen)
        x, earlier = SkipChoice(hp, "skip")(x, earlier)
        x = Keyed(hp, ["cell/op", "cell/input"], lambda: keras.layers.Dense(FILTERS))(x)
        inner_inputs = keras.Input((8, 8, FILTERS))
        inner = OpChoice(
            hp,
            "inner",
            {
                "relu": lambda: keras.layers.ReLU(),
                "conv": lambda: keras.layers.Conv2D(FILTERS, 3, padding="same"),
            },
        )(inner_inputs)
        x = keras.Model(inner_inputs, inner)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        x = Block(hp)(x)
        model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
        model.compile(
            self.make_optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        return model


class DenseSpace(keras_tuner.HyperModel):
    """One decision between dense layers on four numbers: small and quick."""

    def __init__(self, optimizer=None, candidates=None, model_class=None, metrics=("accuracy",)):
        super().__init__()
        self.make_optimizer = optimizer or (lambda: keras.optimizers.SGD(0.1))
        self.model_class = model_class or keras.Model
        self.metrics = list(metrics)
        self.candidates = candidates or {
            "linear": lambda: keras.layers.Dense(5),
            "tanh": lambda: keras.layers.Dense(5, activation="tanh"),
        }

    def build(self, hp):
        inputs = keras.Input((4,))
        x = OpChoice(hp, "op", self.candidates)(inputs)
        model = self.model_class(inputs, keras.layers.Dense(3, activation="softmax")(x))
        model.compile(
            self.make_optimizer(), "sparse_categorical_crossentropy", metrics=self.metrics
        )
        return model


def macro_hypermodel(**kwargs):
    return HyperMacroCNN((8, 8, 3), 3, **{"num_layers": 6, "filters": FILTERS, **kwargs})


def micro_hypermodel(**kwargs):
    small = {"num_layers": 1, "filters": FILTERS, "num_blocks": 2, "dropout": 0.3}
    # One of each kind: weights that the input keys, a pooling with its own gradient, nothing.
    kinds = ["sep3", "max3", "identity"]
    return HyperMicroCNN((8, 8, 3), 3, **{**small, "operations": kinds, **kwargs})


@pytest.fixture(scope="session")
def spaces():
    """The hypermodels to test with, by name: classes or functions that make a hypermodel."""
    return {
        "macro": macro_hypermodel,
        "micro": micro_hypermodel,
        "user": UserSpace,
        "dense": DenseSpace,
    }


@pytest.fixture(scope="session")
def shared(spaces):
    """Returns a function that gives a supergraph built once, with weights that all differ.

    Tests that use it may change its weights, as no test relies on them.
    """
    made = {}

    def get(name):
        if name not in made:
            hypermodel = spaces[name]()
            made[name] = hypermodel, perturb(Supergraph(hypermodel, seed=0))
        return made[name]

    return get


def perturb(supergraph):
    """Moves all weights off their initial ones and zeros, so that a mix-up shows."""
    rng = np.random.default_rng(3)
    for variable in supergraph.network.variables:
        if keras.backend.is_float_dtype(variable.dtype):
            noise = rng.uniform(0.05, 0.2, variable.shape)
            variable.assign_add(noise.astype(variable.dtype))
    return supergraph


@pytest.fixture
def numbers():
    """Thirty rows of four numbers with labels of three classes."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 4)).astype("float32"), rng.integers(0, 3, 30).astype("int32")
