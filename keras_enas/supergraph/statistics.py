"""Normalisation by the statistics of the batch, and its recalibration.

In a supergraph the moving averages of a normalisation mix what all
architectures did to its input. A score must not rest on them: scoring with
them is what made the published ENAS collapse on NAS-Bench-201.
"""

import contextlib

import keras

from keras_enas.supergraph.keyed import KeyedLayer
from keras_enas.supergraph.switches import Branches


@contextlib.contextmanager
def batch_statistics(network):
    """While open, a trace of `network` normalises by the batch, whatever `training` is.

    Moving averages are neither read nor changed. Dropout and the like still
    follow `training`. Any `keras.layers.BatchNormalization` is meant, those in
    candidates and keyed layers included.

    Args:
        network: The network of a supergraph, or a child.
    """
    patched = []
    try:
        for layer, inside in _normalizations(network):
            patched.append((layer, vars(layer).get("call")))
            layer.call = _with_batch_statistics(layer.call, inside)
        yield
    finally:
        for layer, own in patched:
            # The supergraph may have given the layer a `call` of its own.
            if own is None:
                del layer.call
            else:
                layer.call = own


def _with_batch_statistics(call, inside):
    def call_with_batch_statistics(inputs, training=None, mask=None):
        if inside:
            # The switch around it runs stateless already and drops the new averages.
            return call(inputs, training=True, mask=mask)
        with keras.StatelessScope():
            return call(inputs, training=True, mask=mask)

    return call_with_batch_statistics


def _normalizations(layer, inside=False):
    """Yields each batch normalization in a layer, and whether it stands inside a switch."""
    for part in layer._flatten_layers():
        if isinstance(part, keras.layers.BatchNormalization):
            yield part, inside
        hidden = []
        if isinstance(part, Branches):
            hidden = part.branches
        elif isinstance(part, KeyedLayer):
            hidden = [part.template]
        for one in hidden:
            yield from _normalizations(one, inside=True)


def recalibrate(child, batches):
    """Sets the moving averages of a child to the mean of its batches' statistics.

    Args:
        child: A built `keras.Model`; dropout stays off.
        batches: Iterable of inputs of the model.
    """
    layers = [x for x in child._flatten_layers() if isinstance(x, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    try:
        for layer in layers:
            layer.call = _training_call(layer.call)
        for i, batch in enumerate(batches):
            for layer in layers:
                layer.momentum = i / (i + 1)
            child(batch, training=False)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            del layer.call


def _training_call(call):
    return lambda inputs, training=None, mask=None: call(inputs, training=True, mask=mask)
