"""Every layer in a network, those that switches and keys keep out of Keras's sight included."""

import contextlib

from keras_enas.supergraph.keyed import KeyedLayer
from keras_enas.supergraph.switches import Branches


def parts_of(layer, inside=False):
    """Yields each layer in a layer, itself first, and whether it stands inside a switch.

    Args:
        layer: A layer or model: the network of a supergraph, a child, or a part of them.
        inside: Boolean, what to say of the layer itself.
    """
    for part in layer._flatten_layers():
        yield part, inside
        hidden = []
        if isinstance(part, Branches):
            hidden = part.branches
        elif isinstance(part, KeyedLayer):
            hidden = [part.template]
        for one in hidden:
            yield from parts_of(one, inside=True)


@contextlib.contextmanager
def with_calls(replacements):
    """While open, layers compute something else.

    Args:
        replacements: List of `(layer, callable)`; the callable takes the place of the
            layer's `call`.
    """
    patched = []
    try:
        for layer, call in replacements:
            patched.append((layer, vars(layer).get("call")))
            layer.call = call
        yield
    finally:
        for layer, own in reversed(patched):
            # The supergraph may have given the layer a `call` of its own.
            if own is None:
                del layer.call
            else:
                layer.call = own
