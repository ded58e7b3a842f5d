"""How much flows through a network of absolute weights."""

import keras
import numpy as np
import tensorflow as tf

from keras_enas.supergraph import parts_of, with_calls
from keras_enas.training_free.batch import float_inputs_of
from keras_enas.training_free.logits import logits
from keras_enas.training_free.running import of_child

_NORMALIZATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
)
# Where ones overflow even in float64, less is put in, and less of what comes out is asked for: the
# flow is proportional to both, and neither the way there nor the way back overflows.
SCALES = (1.0, 1e-100, 1e-200, 1e-300)


def synflow(child, batch):
    """Logarithm of the synaptic flow of a network.

    Tanaka et al. 2020, equation 2, as in Abdelfattah et al. 2021: with the absolute
    values of all weights and an image of ones, R is the sum of the logits, and the
    score the sum of `w * dR/dw` over all weights. Networks of some depth overflow
    float32 and even float64, so it is taken in float64, from a smaller image where that
    is needed, and its logarithm is given, which ranks the same.

    Normalisations are passed by, scale and offset included: divided by the
    deviation of a batch, what flows would no longer be the sum over paths of the
    products of their weights, and every layer would get the same whatever its size.
    (Abdelfattah et al. leave BatchNormalization out likewise.)

    Args:
        child: A built functional or sequential `keras.Model` that takes floats. Its
            weights are not changed.
        batch: Inputs, or `(x, y)`; only their shape counts.

    Returns:
        Float, higher is better; `-inf` if nothing flows, `inf` beyond about 1e600.

    Raises:
        ValueError: If the child takes no floats.
    """
    return of_child(Synflow(), child, batch)


class Synflow:
    """`synflow` on a child or a supergraph; see `running.py` for the three verbs."""

    dtype = "float64"

    def prepare(self, network, batch):
        float_inputs_of(batch, network, "synflow")
        for part, _ in parts_of(network):
            # A softmax is often asked to be of float32.
            if part.compute_dtype != self.dtype:
                part.dtype_policy = self.dtype
        for variable in network.trainable_variables:
            variable.assign(keras.ops.absolute(variable))

    def run(self, network, x):
        normalizations = [
            (part, _pass_by) for part, _ in parts_of(network) if isinstance(part, _NORMALIZATIONS)
        ]
        weights = [variable.value for variable in network.trainable_variables]
        with tf.GradientTape() as tape:
            with with_calls(normalizations), logits(network):
                outputs = keras.tree.flatten(network(x, training=False))
            scale = tf.reduce_max(keras.tree.flatten(x)[0])
            total = scale * tf.add_n([tf.reduce_sum(tf.cast(y, tf.float64)) for y in outputs])
        gradients = tape.gradient(total, weights, unconnected_gradients="zero")
        products = [
            tf.reduce_sum(tf.cast(w * g, tf.float64))
            for w, g in zip(weights, gradients, strict=True)
        ]
        return tf.add_n(products)

    def score(self, run, batch):
        def ones(x, scale):
            return tf.fill([1, *x.shape[1:]], tf.constant(scale, tf.float64))

        x = float_inputs_of(batch)
        for scale in SCALES:
            flow = float(run(keras.tree.map_structure(lambda a, s=scale: ones(a, s), x)))
            if np.isfinite(flow):
                return float(np.log(flow) - 2.0 * np.log(scale)) if flow > 0 else -np.inf
        return np.inf


def _pass_by(inputs, training=None, mask=None):
    return inputs
