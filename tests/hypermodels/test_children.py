"""The children of a subclass are its own, at the size that its arguments give them."""

import keras
import pytest

from keras_enas import training
from keras_enas.hypermodels import HyperMacroCNN, HyperMicroCNN, HyperRecurrentLM
from keras_enas.hypermodels.children import space_of


def marked(model, width):
    """The model with one layer more, which says whose `build` made it and how wide it was."""
    outputs = keras.layers.Identity(name=f"mine_{width}")(model.outputs[0])
    model = keras.Model(model.inputs, outputs)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


class Macro(HyperMacroCNN):
    """Has a constructor of its own, and overrides `build`."""

    def __init__(self, depth):
        super().__init__((8, 8, 3), 3, depth, filters=2, child_filters=4, child_form="final")
        # Set, not given: the children have it too.
        self.dropout = 0.7

    def build(self, hp):
        return marked(super().build(hp), self.filters)


class Micro(HyperMicroCNN):
    """Overrides a part of the network."""

    def __init__(self, mark):
        self.mark = mark
        super().__init__((8, 8, 3), 3, 1, 4, 1, child_layers=3, child_filters=8)

    def _stem(self, inputs):
        x = keras.layers.Conv2D(self.filters, 1, name=self.mark)(inputs)
        return [x, x]


class Recurrent(HyperRecurrentLM):
    def build(self, hp):
        return marked(super().build(hp), self.units)


def first_child(hypermodel, recipe=None):
    space = space_of(hypermodel)
    children = hypermodel.for_children(recipe)
    assert type(children) is type(hypermodel) and space_of(children) == space
    return children.build(space.architecture([0] * len(space)).to_hyperparameters())


def test_a_subclass_that_overrides_build():
    hypermodel = Macro(3)
    child = first_child(hypermodel)
    assert child.get_layer("mine_4")
    assert next(x for x in child.layers if isinstance(x, keras.layers.Dropout)).rate == 0.7
    # The original goes on as it was.
    assert (hypermodel.filters, hypermodel.form) == (2, "search")
    searched = hypermodel.build(space_of(hypermodel).architecture([0] * 6).to_hyperparameters())
    assert searched.get_layer("mine_2")


def test_a_subclass_that_overrides_a_part():
    hypermodel = Micro("mine")
    recipe = training.micro_small.replace(auxiliary_weight=None)
    for child in (first_child(hypermodel), first_child(hypermodel, recipe)):
        assert child.get_layer("mine").filters == 8
        # Reductions at a third and at two of the children's depth: 5 cells, of them 1 and 3.
        assert child.layers[-5].output.shape[1:] == (2, 2, 32)
    assert hypermodel.reductions == (1, 2)
    assert hypermodel.for_children().reductions == (1, 3)
    assert hypermodel.for_children(recipe).drop_path


def test_a_subclass_of_the_recurrent_space():
    child = first_child(Recurrent(7, 3, 4, child_units=6))
    assert child.get_layer("mine_6") and child.outputs[0].shape == (None, None, 7)
    assert {v.shape[-1] for v in child.trainable_variables if "embed" in v.path} == {6}


def test_tied_embeddings_grow_with_the_children_and_others_do_not():
    for kwargs, expected in (
        ({}, 6),
        ({"tie_embeddings": False}, 6),
        ({"tie_embeddings": False, "embedding_units": 3}, 3),
    ):
        children = HyperRecurrentLM(7, 3, 4, child_units=6, **kwargs).for_children()
        assert (children.units, children.embedding_units) == (6, expected)


def test_a_build_that_was_set_on_the_object():
    hypermodel = HyperMacroCNN((8, 8, 3), 3, num_layers=1, filters=2)
    hypermodel.build = lambda hp: None
    assert hypermodel.for_children() is hypermodel
    hypermodel.child_filters = 4
    with pytest.raises(ValueError, match=r"`build` was set on this HyperMacroCNN.*'filters': 4"):
        hypermodel.for_children()
