"""Children that are not of the size in which they were searched."""

import copy

import keras_tuner


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
    if vars(hypermodel)["build"] != hypermodel._build_wrapper:
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
