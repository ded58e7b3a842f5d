"""By what a later process knows that children are what they were."""

import hashlib
import json

import keras

from keras_enas.supergraph.likeness import that_counts
from keras_enas.tuner import state


def fingerprint_of_children(space, build, of=None):
    """The fingerprints of a few children, as one: between them they have every candidate.

    Args:
        space: A `SearchSpace`.
        build: Callable from an `Architecture` to its compiled child.
        of: Optional callable from a child to a text; default `fingerprint`.

    Returns:
        String.
    """
    counts = [int(count) for count in space.num_candidates]
    found = []
    for i in range(max(counts)):
        with state.seeded(0):
            child = build(space.architecture([min(i, count - 1) for count in counts]))
        found.append((of or fingerprint)(child))
    return hashlib.sha256(" ".join(found).encode()).hexdigest()[:16]


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


def outline(model):
    """A short text that is another one for layers of other kinds or shapes.

    What a network costs depends on these. How it is trained does not matter, nor what else
    layers are configured with: costs stay true for another rate of dropout, another penalty or
    another version of Keras.

    Args:
        model: A `keras.Model`.

    Returns:
        String.
    """
    layers = [
        [type(layer).__name__, [tuple(v.shape) for v in layer.variables], _shape_of(layer)]
        for layer in model._flatten_layers()
    ]
    return hashlib.sha256(json.dumps(layers).encode()).hexdigest()[:16]


def _shape_of(layer):
    """The shape of what a layer returned when the network was built; None if it is in another."""
    try:
        return keras.tree.map_structure(lambda one: str(tuple(one.shape)), layer.output)
    except AttributeError:
        return None


def _config_of(loss):
    if isinstance(loss, keras.losses.Loss):
        return [type(loss).__name__, loss.get_config()]
    return getattr(loss, "__name__", loss)


def _plain(config):
    return that_counts(config, initializers=True)
