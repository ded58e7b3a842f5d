"""Which layers compute the same function of their weights.

A supergraph repeats its layers: the cells of a micro space have hundreds of separable convolutions,
of a dozen kinds. Tracing one with its gradient, and having TensorFlow optimise it, is what the
first step spends its time with, so keyed layers that are alike share a trace (`bodies.py`).
"""

import json

import keras


def likeness(layer):
    """Describes what a layer computes from its weights, or gives None if that is not known.

    It is known of layers of Keras and of this package, by their configuration. A
    layer of the user's may compute with anything.

    Args:
        layer: A built layer.

    Returns:
        String, equal for layers that are alike.
    """
    if not all(_is_known(part) for part in layer._flatten_layers()):
        return None
    weights = [(tuple(v.shape), str(v.dtype), v.trainable) for v in layer.variables]
    described = [type(layer).__name__, _without_names(layer.get_config()), weights]
    try:
        return json.dumps(described, sort_keys=True, default=_refuse)
    except TypeError:
        return None


def _refuse(value):
    raise TypeError(f"{value!r} is not plain data.")


def _is_known(layer):
    package = type(layer).__module__.partition(".")[0]
    return package in ("keras", "keras_enas") and not isinstance(layer, keras.layers.Lambda)


def _without_names(config):
    if isinstance(config, dict):
        # The name of a policy is what it says.
        if str(config.get("class_name", "")).endswith("DTypePolicy"):
            return config
        return {
            key: _without_names(value)
            for key, value in config.items()
            # What a weight began with does not matter once it has its value.
            if key not in ("name", "seed", "build_config") and not key.endswith("_initializer")
        }
    if isinstance(config, (list, tuple)):
        return [_without_names(value) for value in config]
    return config
