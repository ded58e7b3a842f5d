"""A network without the softmax that ends it.

The outputs of a softmax add up to 1 whatever the input, so the gradient of their sum is zero: the
scores that take one are defined on what the softmax is given.
"""

import contextlib

import keras

from keras_enas.supergraph import with_calls


@contextlib.contextmanager
def logits(network):
    """While open, the layers that give a network's outputs apply no activation.

    Args:
        network: A functional or sequential `keras.Model`.
    """
    lasts = {id(layer): layer for layer in _lasts(network)}.values()
    activated = [layer for layer in lasts if hasattr(layer, "activation")]
    softmaxes = [layer for layer in lasts if isinstance(layer, keras.layers.Softmax)]
    before = [layer.activation for layer in activated]
    try:
        for layer in activated:
            layer.activation = keras.activations.linear
        with with_calls([(layer, lambda inputs, mask=None: inputs) for layer in softmaxes]):
            yield
    finally:
        for layer, activation in zip(activated, before, strict=True):
            layer.activation = activation


def _lasts(network):
    """The operations that give the outputs, those of a model in the model included."""
    for output in network.outputs:
        operation = output._keras_history.operation
        if isinstance(operation, keras.Model) and hasattr(operation, "outputs"):
            yield from _lasts(operation)
        else:
            yield operation
