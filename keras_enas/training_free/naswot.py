"""How differently a network's ReLUs see the images of a batch."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from keras_enas.supergraph import batch_statistics, parts_of, with_calls
from keras_enas.training_free.batch import inputs_of
from keras_enas.training_free.running import of_child

_RELU = (keras.activations.relu, keras.activations.relu6, keras.ops.relu, keras.ops.relu6)


def naswot(child, batch):
    """Log-determinant of the Hamming kernel of a batch's ReLU codes.

    Mellor et al. 2021 ("Neural Architecture Search without Training", section 3):
    for each image the code is which ReLUs are above zero; the kernel is, for each
    two images, the number of ReLUs that agree. Normalisation takes the statistics
    of the batch, as in the released code; the kernel is summed in float64.

    A ReLU is seen as a `keras.layers.ReLU` or as the `activation` of a layer, which
    the layers of this package have too, inside switches as well; not one that a
    layer of your own calls without having it as `self.activation`.

    Args:
        child: A built `keras.Model` of any layers.
        batch: Inputs, or `(x, y)`, of at least two examples.

    Returns:
        Float, higher is better; `-inf` if two images have the same code.

    Raises:
        ValueError: If there is no ReLU or the batch does not fit.
    """
    return of_child(Naswot(), child, batch)


class Naswot:
    """`naswot` on a child or a supergraph; see `running.py` for the three verbs."""

    dtype = None

    def prepare(self, network, batch):
        self._size = len(keras.tree.flatten(inputs_of(batch, at_least=2))[0])
        if not _relus(network):
            raise ValueError(
                "`naswot` needs a network with ReLUs, and there is none that is a layer or the "
                "`activation` of a layer. Take another training-free score."
            )
        self._kernel = tf.Variable(tf.zeros([self._size] * 2, tf.float64), trainable=False)

    def run(self, network, x):
        self._kernel.assign(tf.zeros_like(self._kernel))
        with batch_statistics(network), _watched(network, self._add):
            network(x, training=False)
        return self._kernel.read_value()

    def _add(self, y):
        code = tf.cast(tf.reshape(y, [tf.shape(y)[0], int(np.prod(y.shape[1:]))]) > 0, tf.float32)
        agree = tf.matmul(code, code, transpose_b=True)
        agree += tf.matmul(1.0 - code, 1.0 - code, transpose_b=True)
        # What the architecture does not need is of no image: see `dead` in the supergraph.
        missing = self._size - tf.shape(y)[0]
        self._kernel.assign_add(tf.cast(tf.pad(agree, [[0, missing]] * 2), tf.float64))

    def score(self, run, batch):
        return log_determinant(run(inputs_of(batch)))


def log_determinant(kernel):
    """Log-determinant of a positive semidefinite matrix `(n, n)`; `-inf` if it is singular."""
    sign, value = np.linalg.slogdet(np.asarray(kernel, np.float64))
    return float(value) if sign > 0 else -np.inf


def _relus(network):
    return [
        part
        for part, _ in parts_of(network)
        if isinstance(part, keras.layers.ReLU) or getattr(part, "activation", None) in _RELU
    ]


@contextlib.contextmanager
def _watched(network, watch):
    """While open, `watch` is called with the output of every ReLU of a network."""

    def watched(function):
        def call(*args, **kwargs):
            y = function(*args, **kwargs)
            watch(y)
            return y

        return call

    relus = _relus(network)
    activated = [part for part in relus if not isinstance(part, keras.layers.ReLU)]
    before = [part.activation for part in activated]
    layers = [part for part in relus if isinstance(part, keras.layers.ReLU)]
    try:
        for part in activated:
            part.activation = watched(part.activation)
        with with_calls([(part, watched(part.call)) for part in layers]):
            yield
    finally:
        for part, activation in zip(activated, before, strict=True):
            part.activation = activation
