"""Children of a hypermodel: of an architecture, and of another size than was searched."""

import copy

import keras_tuner

from keras_enas.published import PublishedArchitecture
from keras_enas.search_space import Architecture, recorded_space


def space_of(hypermodel):
    """Returns the `SearchSpace` of a hypermodel."""
    hp = keras_tuner.HyperParameters()
    hypermodel.build(hp)
    return recorded_space(hp)


def build_architecture(hypermodel, architecture):
    """Builds the child of an architecture.

    Args:
        hypermodel: A `keras_tuner.HyperModel`.
        architecture: An `Architecture` of its space, the text of one, or a
            `PublishedArchitecture`.

    Returns:
        A compiled, untrained `keras.Model`.

    Raises:
        ValueError: If it is an architecture of another space.
    """
    space = space_of(hypermodel)
    if isinstance(architecture, PublishedArchitecture):
        architecture = architecture.text
    if not isinstance(architecture, Architecture):
        architecture = space.parse(architecture)
    elif architecture.space != space:
        raise ValueError(
            f"`architecture` is of another space: {space.difference(architecture.space)}."
        )
    return hypermodel.build(architecture.to_hyperparameters())


def changed(hypermodel, **attributes):
    """Returns a copy of a hypermodel, of the same class, with other attributes.

    The original is as it was. What a subclass overrides and what was set on the
    original hold for the copy too.

    Args:
        hypermodel: A `keras_tuner.HyperModel`. What it works out from an
            attribute that is changed must not be an attribute itself, but a
            property or a line of `build`.
        **attributes: The new values.

    Returns:
        A `keras_tuner.HyperModel`.

    Raises:
        ValueError: If `build` was set on the object: it would build the original.
    """
    # KerasTuner keeps `build` on the object, bound to the original: a mere copy would go on
    # building that one, whatever its own attributes are.
    if vars(hypermodel).get("build") != hypermodel._build_wrapper:
        if all(getattr(hypermodel, name) == value for name, value in attributes.items()):
            return hypermodel
        raise ValueError(
            f"`build` was set on this {type(hypermodel).__name__}, so it cannot build children "
            f"with {attributes}. Write a subclass that overrides `build`, and reads these from "
            "`self`."
        )
    other = copy.copy(hypermodel)
    del other.build, other._build
    keras_tuner.HyperModel.__init__(other, hypermodel.name, hypermodel.tunable)
    for name, value in attributes.items():
        setattr(other, name, value)
    return other
