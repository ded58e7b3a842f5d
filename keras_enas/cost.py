"""What a child costs: parameters and floating-point operations."""

import contextlib
import io

import keras
import tensorflow as tf

from keras_enas.layers.recurrent import Recurrent
from keras_enas.layers.stock import to_keras


def count_parameters(child):
    """Number of trainable parameters."""
    return int(sum(keras.ops.size(v) for v in child.trainable_variables))


def count_flops(child):
    """Floating-point operations of a forward pass of one example.

    Counted by TensorFlow's profiler, for which a multiplication and an addition
    are two. It does not look into loops, so `Recurrent` layers are unrolled for
    it; a text of no fixed length is counted as one step: of a language model this
    is the cost of a token. Loops of other layers (`keras.layers.LSTM`) stay out.

    Args:
        child: A built functional or sequential `keras.Model`.

    Returns:
        Integer.
    """
    stock = to_keras(child)
    if any(isinstance(layer, Recurrent) for layer in stock._flatten_layers()):
        stock = _unrolled(stock)
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


def _unrolled(model):
    """The same computation, with weights of its own and without the loops of `Recurrent`."""

    def clone(layer):
        if isinstance(layer, Recurrent):
            cell = type(layer.cell).from_config(layer.cell.get_config())
            return keras.layers.RNN(cell, return_sequences=True, unroll=True)
        return type(layer).from_config(layer.get_config())

    inputs = keras.tree.map_structure(
        lambda x: keras.Input([size or 1 for size in x.shape[1:]], dtype=x.dtype), model.input
    )
    return keras.models.clone_model(
        model, input_tensors=inputs, clone_function=clone, recursive=True
    )
