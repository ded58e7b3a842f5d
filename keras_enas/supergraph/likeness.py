"""Which layers compute the same function of their weights.

A supergraph repeats its layers: the cells of a micro space have hundreds of separable convolutions,
of a dozen kinds. Tracing one with its gradient, and having TensorFlow optimise it, is what the
first step spends its time with, so keyed layers that are alike share a trace (`bodies.py`).
"""

import json
import warnings

import keras

from keras_enas import layers

# What these compute follows from their configuration, and how they begin from their initializers.
# Of other layers neither is known: they may hold functions, or change their weights while built.
_KNOWN = (
    keras.Sequential,
    keras.layers.Activation,
    keras.layers.BatchNormalization,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.DepthwiseConv2D,
    keras.layers.LayerNormalization,
    keras.layers.ReLU,
    keras.layers.SeparableConv2D,
    layers.BatchNormalization,
    layers.ReLUConvNorm,
)


def is_known(layer):
    """Whether a layer, with all in it, is one whose configuration says everything."""
    return all(
        type(part) in _KNOWN
        and getattr(getattr(part, "activation", None), "__module__", "keras.").startswith("keras.")
        for part in layer._flatten_layers()
    )


def likeness(layer):
    """Describes what a layer computes from its weights, or gives None if that is not known.

    Args:
        layer: A built layer.

    Returns:
        String, equal for layers that are alike.
    """
    if not is_known(layer):
        return None
    weights = [(tuple(v.shape), str(v.dtype), v.trainable) for v in layer.variables]
    try:
        # Nobody is going to load what Keras warns of, say an initializer that is a lambda.
        with warnings.catch_warnings(action="ignore"):
            config = that_counts(layer.get_config(), initializers=False)
        return json.dumps([str(type(layer)), config, weights], sort_keys=True)
    except (TypeError, ValueError):
        return None


def that_counts(config, initializers):
    """A configuration of Keras without the names that it counts up and the seeds that it draws.

    Args:
        config: What `get_config` returned.
        initializers: Boolean, whether what weights begin with counts. It does not matter
            once they have their values.
    """
    if isinstance(config, dict):
        # The name of a policy is what it says.
        if str(config.get("class_name", "")).endswith("DTypePolicy"):
            return config
        return {
            key: that_counts(value, initializers)
            for key, value in config.items()
            if key not in ("name", "seed", "build_config")
            and (initializers or not str(key).endswith("_initializer"))
        }
    if isinstance(config, (list, tuple)):
        return [that_counts(value, initializers) for value in config]
    return config
