"""One way to write a score, two ways to run it: on a child, and on a supergraph.

A score that looks into a network is an object with a `dtype` (None: the network's own) and three
verbs:

* `prepare(network, batch)` checks, makes what `run` needs, and changes weights if it must;
* `run(network, x)` is TensorFlow: from inputs to a tensor, run eagerly or traced;
* `score(run, batch)` calls `run(x)`, as often as it needs, and makes a float of the result.

Building a child and calling its layers one by one costs most of a second. A supergraph of fresh
weights is built and traced once, and then scores an architecture in a few milliseconds.
"""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from keras_enas.training_free.batch import check_child


def of_child(one, child, batch):
    """The score of a child; its weights stay what they are.

    Args:
        one: An object with the three verbs.
        child: A built `keras.Model`.
        batch: Inputs, or `(x, y)`.
    """
    check_child(child)
    network = child if one.dtype is None else copy_in(child, one.dtype)
    one.prepare(network, batch)
    return one.score(lambda x: _numpy(one.run(network, x)), batch)


def of_supergraph(one, supergraph, batch):
    """Returns a function from an architecture to its score.

    Args:
        one: An object with the three verbs.
        supergraph: A `Supergraph` of fresh weights, built within `dtype_of(one)`; the
            score may change them.
        batch: Inputs, or `(x, y)`.
    """
    network = supergraph.network
    one.prepare(network, batch)

    @tf.function(autograph=False, reduce_retracing=True)
    def run(indices, x):
        # Of unknown size: see `relax_batch` in the supergraph.
        x = keras.tree.map_structure(
            lambda a: tf.compat.v1.placeholder_with_default(a, [None, *a.shape[1:]]), x
        )
        with supergraph.running_as(indices, batch_statistics=True):
            return one.run(network, x)

    def score(architecture):
        indices = tf.constant(getattr(architecture, "indices", architecture), tf.int32)
        return one.score(lambda x: _numpy(run(indices, x)), batch)

    return score


@contextlib.contextmanager
def dtype_of(one):
    """While open, networks are built in the dtype of a score."""
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    try:
        if one.dtype is not None:
            keras.config.set_floatx(one.dtype)
            keras.config.set_dtype_policy(one.dtype)
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def copy_in(model, dtype):
    """Returns a copy of a functional or sequential model that computes in another dtype."""

    def clone(layer):
        return type(layer).from_config({**layer.get_config(), "dtype": dtype})

    def again(x):
        return keras.Input(batch_shape=x.shape, dtype=dtype if "float" in x.dtype else x.dtype)

    # A Sequential has no `input` before it is called on one.
    given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    inputs = keras.tree.map_structure(again, given)
    copy = keras.models.clone_model(
        model, input_tensors=inputs, clone_function=clone, recursive=True
    )
    copy.set_weights(model.get_weights())
    return copy


def _numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))
