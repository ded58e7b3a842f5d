"""Another network, optimizer or loss is another fingerprint, and another process is not."""

import pathlib

import keras
import pytest

from keras_enas.search_space import Decision, SearchSpace
from keras_enas.tuner.fingerprint import fingerprint, fingerprint_of_children, outline

SCRIPT = """
import keras, sys
sys.path.insert(0, {folder!r})
from test_fingerprint import network
from keras_enas.tuner.fingerprint import fingerprint, outline

# Keras counts its layers in each process.
keras.layers.Dense(1), keras.layers.Dense(1)
print("is", fingerprint(network()), outline(network()))
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
    known = f"is {fingerprint(network())} {outline(network())}"
    assert known in run_python("-c", script)


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


def test_an_outline_is_of_layers_and_shapes():
    def of(**other):
        return outline(network(**other))

    assert of() == of() == of(rate=0.2, loss="categorical_crossentropy", activation="tanh")
    assert len({of(), of(units=5), outline(pooled(1)), outline(pooled(2)), outline(deeper())}) == 5


def pooled(size):
    """Without weights that differ."""
    inputs = keras.Input((4, 4, 1))
    pooled = keras.layers.MaxPooling2D(size)(inputs)
    return keras.Model(inputs, keras.layers.Conv2D(2, 3, padding="same")(pooled))


def deeper():
    model = network()
    return keras.Model(model.inputs, keras.layers.Softmax()(model.outputs[0]))


def test_an_outline_of_children_counts_every_candidate():
    space = SearchSpace([Decision("a", "op", ("x", "y"))])

    def of(units):
        return fingerprint_of_children(space, lambda one: network(units[one.indices[0]]), outline)

    assert len({of([4, 4]), of([4, 5]), of([5, 4])}) == 3


def test_what_does_not():
    assert fingerprint(network()) == fingerprint(network())
    assert fingerprint(network(loss=lambda y, p: 0.0)) == fingerprint(
        network(loss=lambda y, p: 1.0)
    )
