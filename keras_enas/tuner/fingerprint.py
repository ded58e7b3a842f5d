"""By what a later process knows that children are what they were."""

import hashlib
import json

import keras

from keras_enas.supergraph.likeness import that_counts
from keras_enas.tuner import state


def fingerprint_of_children(space, build, training=True):
    """The fingerprints of a few children, as one: between them they have every candidate.

    Args:
        space: A `SearchSpace`.
        build: Callable from an `Architecture` to its compiled child.
        training: Boolean; see `fingerprint`.

    Returns:
        String.
    """
    counts = [int(count) for count in space.num_candidates]
    found = []
    for i in range(max(counts)):
        with state.seeded(0):
            child = build(space.architecture([min(i, count - 1) for count in counts]))
        found.append(fingerprint(child, training))
    return hashlib.sha256(" ".join(found).encode()).hexdigest()[:16]


def fingerprint(model, training=True):
    """A short text that is another one for other layers, optimizer or loss.

    It is for files of what was trained: a space can stay the same while the
    hypermodel gives its children more filters or another learning rate.

    Args:
        model: A compiled `keras.Model`.
        training: Boolean, whether that by which it is trained counts: optimizer, loss and what
            weights begin with. What a network costs does not depend on it.

    Returns:
        String. Names that Keras counts up, seeds that it draws, and functions, whose
        code is not looked into, have no part in it.
    """
    layers = [
        # A container's own configuration repeats that of its layers, with their names.
        [
            type(layer).__name__,
            {}
            if isinstance(layer, keras.Model)
            else that_counts(layer.get_config(), initializers=training),
        ]
        for layer in model._flatten_layers()
    ]
    content = {"layers": layers, "shapes": [tuple(v.shape) for v in model.variables]}
    if training:
        optimizer = model.optimizer
        content["optimizer"] = [type(optimizer).__name__, _plain(optimizer.get_config())]
        content["loss"] = _plain(_config_of(model.loss))
    text = json.dumps(content, sort_keys=True, default=lambda one: type(one).__name__)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _config_of(loss):
    if isinstance(loss, keras.losses.Loss):
        return [type(loss).__name__, loss.get_config()]
    return getattr(loss, "__name__", loss)


def _plain(config):
    return that_counts(config, initializers=True)
