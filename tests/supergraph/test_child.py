"""A child computes what the supergraph computes for it: outputs, gradients, new averages."""

import keras
import keras_tuner
import numpy as np
import pytest

from keras_enas.choices import OpChoice
from keras_enas.supergraph import Supergraph, inherit


def outputs_of(supergraph, x, indices, training):
    return np.array(supergraph(x, architecture=indices, training=training))


def check_outputs(hypermodel, supergraph, make_child, x, n):
    for indices in supergraph.space.random(n, np.random.default_rng(1)):
        child = make_child(hypermodel, supergraph, indices)
        for training in (False, True):
            # Same seeds of dropout in both, and a normalisation that has not moved yet.
            expected = np.array(child(x, training=training))
            np.testing.assert_allclose(
                outputs_of(supergraph, x, indices, training), expected, rtol=1e-5, atol=1e-5
            )


@pytest.mark.parametrize("name, n", [("macro", 5), ("micro", 5), ("user", 10)])
def test_outputs_are_equal(shared, make_child, images, name, n):
    check_outputs(*shared(name), make_child, images(6)[0], n)


def test_outputs_are_equal_whatever_a_cell_joins(spaces, make_child, images):
    # The normal cell hands on an input of its own too; each has a block that may lead nowhere.
    join = {"normal": (0, 3), "reduction": (2, 3)}
    hypermodel = spaces["micro"](join=join)
    check_outputs(hypermodel, Supergraph(hypermodel, seed=0), make_child, images(6)[0], 3)


@pytest.mark.slow
def test_outputs_of_the_whole_macro_space_are_equal(spaces, make_child, images):
    hypermodel = spaces["macro"](num_layers=12)
    check_outputs(hypermodel, Supergraph(hypermodel, seed=0), make_child, images(6)[0], 30)


@pytest.mark.parametrize("name", ["macro", "micro", "user"])
def test_a_training_step_is_equal(spaces, make_child, images, name):
    """After one step of `fit` on each, inheriting again gives the weights of the child."""
    hypermodel = spaces[name](**({"num_layers": 3} if name == "macro" else {}))
    supergraph = Supergraph(hypermodel, seed=0)
    x, y = images(8)
    for indices in supergraph.space.random(3, np.random.default_rng(2)):
        # The child starts without momentum, and so must the supergraph.
        for slot in supergraph.optimizer.variables:
            if slot is not supergraph.optimizer.learning_rate:
                slot.assign(keras.ops.zeros_like(slot))
        child = make_child(hypermodel, supergraph, indices)
        child.run_eagerly = True
        supergraph.set_architectures(indices)
        supergraph.fit(x, y, batch_size=8, verbose=0)
        child.fit(x, y, batch_size=8, verbose=0)
        after = make_child(hypermodel, supergraph, indices)
        for mine, yours in zip(after.variables, child.variables, strict=True):
            np.testing.assert_allclose(
                np.array(mine), np.array(yours), rtol=1e-4, atol=2e-6, err_msg=mine.path
            )
    assert supergraph.train_traces == 1


def test_architectures_differ(shared, images):
    _, supergraph = shared("macro")
    x, _ = images(4)
    found = {
        outputs_of(supergraph, x, indices, False).tobytes()
        for indices in supergraph.space.random(10, np.random.default_rng(1))
    }
    assert len(found) == 10


def test_a_child_that_does_not_correspond_is_refused(shared, spaces):
    _, supergraph = shared("macro")
    architecture = supergraph.space.architecture([0] * len(supergraph.space))
    other = spaces["macro"](num_layers=5)
    child = other.build(keras_tuner.HyperParameters())
    with pytest.raises(ValueError, match="correspond"):
        inherit(supergraph.network, child, architecture)


def test_an_architecture_object_may_be_called(shared, images):
    _, supergraph = shared("user")
    x, _ = images(2)
    indices = supergraph.space.random(1, np.random.default_rng(0))[0]
    np.testing.assert_array_equal(
        outputs_of(supergraph, x, supergraph.space.architecture(indices), False),
        outputs_of(supergraph, x, indices, False),
    )


class SequentialSpace(keras_tuner.HyperModel):
    """A Sequential with a choice between a dense layer of 3 units and nothing."""

    def __init__(self, inputs):
        super().__init__()
        self.inputs = inputs

    def build(self, hp):
        candidates = {"dense": lambda: keras.layers.Dense(3), "none": keras.layers.Identity}
        model = keras.Sequential(
            [
                keras.Input((self.inputs,)),
                OpChoice(hp, "op", candidates),
                keras.layers.Dense(3, activation="softmax"),
            ]
        )
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model


def test_a_sequential_model_may_hold_choices(make_child, numbers):
    x = numbers[0][:, :3]
    hypermodel = SequentialSpace(3)
    supergraph = Supergraph(hypermodel)
    for index in (0, 1):
        child = make_child(hypermodel, supergraph, [index])
        np.testing.assert_allclose(
            np.array(child(x)), outputs_of(supergraph, x, [index], False), atol=1e-6
        )


def test_branches_of_different_shapes_are_refused():
    with pytest.raises(
        ValueError, match=r"'op'.*'dense' gives \(None, 3\).*'none' gives \(None, 4\)"
    ):
        Supergraph(SequentialSpace(4))
