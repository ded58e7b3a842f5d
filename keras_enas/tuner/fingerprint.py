"""By what a later process knows that children are what they were."""

import hashlib
import json

import keras


def fingerprint(model):
    """A short text that is another one for other layers, optimizer or loss.

    It is for files of what was trained: a space can stay the same while the
    hypermodel gives its children more filters or another learning rate.

    Args:
        model: A compiled `keras.Model`.

    Returns:
        String. Names that Keras counts up, seeds that it draws, and functions, whose
        code is not looked into, have no part in it.
    """
    layers = [
        # A container's own configuration repeats that of its layers, with their names.
        [type(layer).__name__, {} if isinstance(layer, keras.Model) else _plain(layer.get_config())]
        for layer in model._flatten_layers()
    ]
    optimizer = model.optimizer
    content = {
        "layers": layers,
        "shapes": [tuple(v.shape) for v in model.variables],
        "optimizer": [type(optimizer).__name__, _plain(optimizer.get_config())],
        "loss": _plain(_config_of(model.loss)),
    }
    text = json.dumps(content, sort_keys=True, default=lambda one: type(one).__name__)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _config_of(loss):
    if isinstance(loss, keras.losses.Loss):
        return [type(loss).__name__, loss.get_config()]
    return getattr(loss, "__name__", loss)


def _plain(config):
    if isinstance(config, dict):
        # The name of a policy is what it says.
        policy = str(config.get("class_name", "")).endswith("DTypePolicy")
        left_out = () if policy else ("name", "seed", "build_config")
        return {
            str(key): value if policy else _plain(value)
            for key, value in config.items()
            if key not in left_out
        }
    if isinstance(config, (list, tuple)):
        return [_plain(value) for value in config]
    return config
