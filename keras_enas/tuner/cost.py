"""What a child costs: parameters and floating-point operations."""

import contextlib
import io

import keras
import tensorflow as tf

from keras_enas.layers.stock import to_keras


def count_parameters(child):
    """Number of trainable parameters."""
    return int(sum(keras.ops.size(v) for v in child.trainable_variables))


def count_flops(child):
    """Floating-point operations of a forward pass of one example.

    Counted by TensorFlow's profiler, for which a multiplication and an addition
    are two.

    Args:
        child: A built functional or sequential `keras.Model`.

    Returns:
        Integer.
    """
    stock = to_keras(child)
    signature = keras.tree.map_structure(
        lambda x: tf.TensorSpec([1, *x.shape[1:]], x.dtype), stock.input
    )
    graph = tf.function(lambda x: stock(x, training=False), autograph=False)
    graph = graph.get_concrete_function(signature).graph
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
    logger = tf.get_logger()
    level = logger.level
    # It prints what it counts, and warns of its age, whatever the options say.
    logger.setLevel("ERROR")
    with contextlib.redirect_stdout(io.StringIO()):
        counted = profiler.profile(
            graph=graph, options=options.with_empty_output().build(), cmd="scope"
        )
    logger.setLevel(level)
    return int(counted.total_float_ops)
