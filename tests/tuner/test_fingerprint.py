"""Another network, optimizer or loss is another fingerprint, and another process is not."""

import pathlib

import keras
import pytest

from keras_enas.search_space import Decision, SearchSpace
from keras_enas.tuner.fingerprint import fingerprint, fingerprint_of_children

SCRIPT = """
import keras, sys
sys.path.insert(0, {folder!r})
from test_fingerprint import network
from keras_enas.tuner.fingerprint import fingerprint

# Keras counts its layers in each process.
keras.layers.Dense(1), keras.layers.Dense(1)
print("is", fingerprint(network()))
"""


def network(
    units=4,
    activation="relu",
    rate=0.1,
    loss="sparse_categorical_crossentropy",
    dtype=None,
    optimizer=keras.optimizers.SGD,
):
    inner = keras.Sequential([keras.layers.Dense(units, activation), keras.layers.Dropout(0.1)])
    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(10, "softmax", dtype=dtype)(inner(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(optimizer(rate), loss)
    return model


def test_another_process_gives_the_same(run_python):
    script = SCRIPT.format(folder=str(pathlib.Path(__file__).parent))
    assert f"is {fingerprint(network())}" in run_python("-c", script)


@pytest.mark.parametrize(
    "other",
    [
        {"units": 5},
        {"activation": "tanh"},
        {"rate": 0.2},
        {"rate": keras.optimizers.schedules.CosineDecay(0.1, 10)},
        {"loss": "categorical_crossentropy"},
        {"loss": keras.losses.SparseCategoricalCrossentropy()},
        {"dtype": "mixed_bfloat16"},
        {"optimizer": keras.optimizers.Adam},
    ],
)
def test_what_differs(other):
    assert fingerprint(network(**other)) != fingerprint(network())


def test_a_candidate_that_is_not_the_first_one_counts():
    space = SearchSpace([Decision("a", "op", ("x", "y", "z")), Decision("b", "skip", ("0", "1"))])

    def of(units):
        return fingerprint_of_children(space, lambda one: network(units[one.indices[0]]))

    assert of([4, 4, 4]) == of([4, 4, 4])
    assert len({of([4, 4, 4]), of([4, 4, 5]), of([4, 5, 4]), of([5, 4, 4])}) == 4


@pytest.mark.parametrize("other", [{"units": 5}, {"activation": "tanh"}])
def test_what_differs_without_its_training(other):
    assert fingerprint(network(**other), training=False) != fingerprint(network(), training=False)


@pytest.mark.parametrize("other", [{"rate": 0.2}, {"loss": "categorical_crossentropy"}])
def test_what_belongs_to_the_training(other):
    assert fingerprint(network(**other), training=False) == fingerprint(network(), training=False)


def test_what_does_not():
    assert fingerprint(network()) == fingerprint(network())
    assert fingerprint(network(loss=lambda y, p: 0.0)) == fingerprint(
        network(loss=lambda y, p: 1.0)
    )
