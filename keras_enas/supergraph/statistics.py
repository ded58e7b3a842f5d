"""Normalisation by the statistics of the batch, and its recalibration.

In a supergraph the moving averages of a normalisation mix what all
architectures did to its input. A score must not rest on them: scoring with
them is what made the published ENAS collapse on NAS-Bench-201.
"""

import contextlib

import keras

from keras_enas.supergraph.parts import parts_of, with_calls


@contextlib.contextmanager
def batch_statistics(network):
    """While open, a trace of `network` normalises by the batch, whatever `training` is.

    Moving averages are neither read nor changed. Dropout and the like still
    follow `training`. Any `keras.layers.BatchNormalization` is meant, those in
    candidates and keyed layers included.

    Args:
        network: The network of a supergraph, or a child.
    """
    normalizations = [
        (layer, _with_batch_statistics(layer.call, inside))
        for layer, inside in parts_of(network)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    with with_calls(normalizations):
        yield


def _with_batch_statistics(call, inside):
    def call_with_batch_statistics(inputs, training=None, mask=None):
        if inside:
            # The switch around it runs stateless already and drops the new averages.
            return call(inputs, training=True, mask=mask)
        with keras.StatelessScope():
            return call(inputs, training=True, mask=mask)

    return call_with_batch_statistics


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
