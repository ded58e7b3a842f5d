"""How differently a network responds to small changes of the images of a batch."""

import keras
import numpy as np
import tensorflow as tf

from keras_enas.supergraph import batch_statistics
from keras_enas.training_free.batch import float_inputs_of
from keras_enas.training_free.logits import logits
from keras_enas.training_free.running import of_child

# Of the released code; it keeps the score finite where images respond alike.
EPSILON = 1e-5


def jacobian_covariance(child, batch):
    """How little the gradients of a batch's images by their pixels correlate.

    The first version of Mellor et al. (2020), as in Abdelfattah et al. 2021
    (`jacob_cov`): for each image the gradient of the sum of the logits by the
    image; `-sum(log(v + k) + 1 / (v + k))` over the eigenvalues v of the correlation
    matrix of these, k = 1e-5. Normalisation takes the statistics of the batch.

    Args:
        child: A built `keras.Model` that takes one tensor of floats.
        batch: Inputs, or `(x, y)`, of at least two examples.

    Returns:
        Float, higher is better; `-inf` if an image has no gradient or not a finite one.

    Raises:
        ValueError: If the batch does not fit.
    """
    return of_child(JacobianCovariance(), child, batch)


class JacobianCovariance:
    """`jacobian_covariance` on a child or a supergraph; see `running.py` for the three verbs."""

    dtype = None

    def prepare(self, network, batch):
        x = float_inputs_of(batch, network, "jacobian_covariance", at_least=2)
        if len(keras.tree.flatten(x)) > 1:
            raise ValueError(
                "`jacobian_covariance` is defined for one input tensor. Received a batch of "
                f"{len(keras.tree.flatten(x))}."
            )

    def run(self, network, x):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            with batch_statistics(network), logits(network):
                outputs = keras.tree.flatten(network(x, training=False))
            total = tf.add_n([tf.reduce_sum(y) for y in outputs])
        return tape.gradient(total, x, unconnected_gradients="zero")

    def score(self, run, batch):
        return correlation_score(run(float_inputs_of(batch)))


def correlation_score(jacobian):
    """The score of gradients `(n, ...)`, in float64."""
    rows = np.asarray(jacobian, np.float64).reshape(len(jacobian), -1)
    rows = rows - rows.mean(1, keepdims=True)
    # The scale of a row does not matter, but its square may overflow or vanish.
    rows = rows / np.maximum(np.abs(rows).max(1, keepdims=True), np.finfo(np.float64).tiny)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(rows).all() or not (lengths > 0).all():
        return -np.inf
    rows = rows / lengths
    # Rounding makes the smallest ones negative.
    values = np.maximum(np.linalg.eigvalsh(rows @ rows.T), 0.0) + EPSILON
    return float(-np.sum(np.log(values) + 1.0 / values))
