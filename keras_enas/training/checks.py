"""Settings of a recipe that cannot be meant."""

import math

# Setting: (kind, least, most). None is allowed where `Recipe` says so.
_RANGES = {
    "epochs": (int, 1, None),
    "batch_size": (int, 1, None),
    "learning_rate": (float, 0, None),
    "minimum_learning_rate": (float, 0, None),
    "first_cycle": (int, 1, None),
    "cycle_growth": (float, 1, None),
    "momentum": (float, 0, 1),
    "l2": (float, 0, None),
    "clipnorm": (float, 0, None),
    "global_clipnorm": (float, 0, None),
    "averaging_patience": (int, 0, None),
    "head_dropout": (float, 0, 1),
    "drop_path_keep": (float, 0, 1),
    "auxiliary_weight": (float, 0, None),
    "shift": (int, 1, None),
    "cutout": (int, 1, None),
    "activation_l2": (float, 0, None),
    "slowness": (float, 0, None),
}
_NOT_ZERO = ("learning_rate", "clipnorm", "global_clipnorm", "drop_path_keep")
_OPTIONAL = (
    "first_cycle",
    "clipnorm",
    "global_clipnorm",
    "averaging_patience",
    "head_dropout",
    "drop_path_keep",
    "auxiliary_weight",
    "shift",
    "cutout",
)


def check_recipe(recipe):
    """Checks all settings.

    Args:
        recipe: A `Recipe`.

    Raises:
        ValueError: If one is out of its range, or two do not go together.
    """
    for name, (kind, least, most) in _RANGES.items():
        value = getattr(recipe, name)
        if value is None and name in _OPTIONAL:
            continue
        _check(name, value, kind, least, most)
        if value == 0 and name in _NOT_ZERO:
            raise ValueError(f"`{name}` must be above 0. Received: {name}={value}.")
    if recipe.minimum_learning_rate > recipe.learning_rate and recipe.first_cycle is not None:
        raise ValueError(
            "`minimum_learning_rate` must be at most `learning_rate`. Received: "
            f"minimum_learning_rate={recipe.minimum_learning_rate}, "
            f"learning_rate={recipe.learning_rate}."
        )
    if recipe.clipnorm is not None and recipe.global_clipnorm is not None:
        raise ValueError(
            "Only one of `clipnorm` and `global_clipnorm` can be set. Received: "
            f"clipnorm={recipe.clipnorm}, global_clipnorm={recipe.global_clipnorm}."
        )
    if recipe.nesterov and not recipe.momentum:
        raise ValueError("`nesterov=True` needs a `momentum` above 0. Received: momentum=0.")


def check_fit(arguments):
    """Checks what a model is to be fitted with under a recipe.

    Args:
        arguments: Dict of arguments of `keras.Model.fit`.

    Raises:
        ValueError: If one of them does not go with a recipe.
    """
    if "epochs" in arguments:
        raise ValueError("`epochs` is a setting of the recipe: `recipe.replace(epochs=...)`.")
    if arguments.get("validation_split"):
        raise ValueError(
            "`validation_split` does not go with a recipe, which trains on batches that it makes "
            "of the arrays. Split the arrays yourself and give `validation_data`. Received: "
            f"validation_split={arguments['validation_split']}."
        )


def _check(name, value, kind, least, most):
    kinds = (int,) if kind is int else (int, float)
    sound = isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)
    if not sound or value < least or (most is not None and value > most):
        what = "an integer" if kind is int else "a finite number"
        upper = "" if most is None else f" and at most {most}"
        raise ValueError(
            f"`{name}` must be {what} of at least {least}{upper}. Received: {name}={value!r}."
        )
