"""What a recipe changes in a model before it trains it, and what it was compiled with."""

import warnings

import keras

from keras_enas.layers.regularization import ActivationRegularization, DropPath
from keras_enas.training.auxiliary import (
    has_auxiliary,
    main_index,
    main_network,
    output_names,
)


def set_layers(recipe, model, total_steps):
    """Sets drop-path, activation regularisation and the head's dropout in a model.

    Warns of what the recipe asks for and the model has no layer for.

    Args:
        recipe: A `Recipe`.
        model: A built `keras.Model`.
        total_steps: Integer, steps of the whole training.
    """
    layers = list(model._flatten_layers())
    paths, recurrent = (
        [layer for layer in layers if isinstance(layer, kind)]
        for kind in (DropPath, ActivationRegularization)
    )
    # On the way to the main output; not the subclasses, which drop whole channels.
    main = main_network(model) if has_auxiliary(model) else model
    dropouts = [x for x in main._flatten_layers() if type(x) is keras.layers.Dropout]
    missing = []
    for layer in paths:
        layer.schedule(recipe.drop_path_keep, total_steps)
    for layer in recurrent:
        layer.weigh(recipe.activation_l2, recipe.slowness)
    if recipe.drop_path_keep not in (None, 1.0) and not paths:
        missing.append(f"drop_path_keep={recipe.drop_path_keep} (no `DropPath` layer)")
    if (recipe.activation_l2 or recipe.slowness) and not recurrent:
        missing.append(
            f"activation_l2={recipe.activation_l2}, slowness={recipe.slowness} "
            "(no `ActivationRegularization` layer)"
        )
    if recipe.auxiliary_weight and not has_auxiliary(model):
        missing.append(f"auxiliary_weight={recipe.auxiliary_weight} (no output named `aux`)")
    if recipe.head_dropout is not None:
        if dropouts:
            _set_dropout(dropouts[-1], recipe.head_dropout)
        elif recipe.head_dropout:
            missing.append(f"head_dropout={recipe.head_dropout} (no `Dropout` layer)")
    if missing:
        warnings.warn(
            f"The recipe '{recipe.name}' sets what the model '{model.name}' does not have, and "
            f"trains it without: {'; '.join(missing)}. To say that this is meant, set these to "
            "None or 0 with `recipe.replace(...)`.",
            stacklevel=3,
        )


def _set_dropout(layer, rate):
    if rate and not hasattr(layer, "seed_generator"):
        raise ValueError(
            f"`head_dropout`={rate} cannot be set: '{layer.name}' was built with a rate of 0, for "
            "which Keras makes no random state. Build the model with a rate above 0, or use "
            "`recipe.replace(head_dropout=None)`."
        )
    layer.rate = rate


def compiled_settings(model, loss=None, metrics=None):
    """What a model was compiled with, but its optimizer, for one output.

    Of a model with an auxiliary output it is what belongs to the main one.

    Args:
        model: A `keras.Model`.
        loss: Optional, in place of the model's; needed if it was not compiled.
        metrics: Optional list, likewise.

    Returns:
        Dict of arguments of `compile`.

    Raises:
        ValueError: If there is no loss.
    """
    config = dict(model._compile_config.config) if model.compiled else {}
    settings = {name: value for name, value in config.items() if name != "optimizer"}
    loss_of_model, metrics_of_model = settings.get("loss"), settings.get("metrics")
    if has_auxiliary(model):
        settings.pop("loss_weights", None)
        loss_of_model = _main_part(model, loss_of_model)
        metrics_of_model = _as_list(_main_part(model, metrics_of_model))
        weighted = _main_part(model, settings.pop("weighted_metrics", None))
        settings["weighted_metrics"] = _as_list(weighted)
    settings["loss"] = loss_of_model if loss is None else loss
    settings["metrics"] = metrics_of_model if metrics is None else metrics
    if settings["loss"] is None:
        raise ValueError(
            f"`loss` is needed, since the model '{model.name}' has not been compiled with one."
        )
    return settings


def _main_part(network, value):
    """Of a loss or of metrics for two outputs, what belongs to the main one."""
    main, names = main_index(network), output_names(network)
    if isinstance(value, dict):
        return value.get(names[main], value.get(network.output_names[main]))
    if isinstance(value, (list, tuple)) and len(value) == len(names):
        return value[main]
    return value


def _as_list(metrics):
    return metrics if metrics is None or isinstance(metrics, (list, tuple)) else [metrics]
