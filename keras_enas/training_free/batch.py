"""The batch and the child that a score is given, checked."""

import keras
import numpy as np
import tensorflow as tf


def check_child(child):
    """Raises `ValueError` unless it is a built network whose layers are known."""
    if not isinstance(child, keras.Model) or not child.built or not hasattr(child, "outputs"):
        raise ValueError(
            "`child` must be a built functional or sequential `keras.Model`, such as "
            f"`tuner.build_child(architecture)`. Received: {child!r}."
        )


def inputs_of(batch, at_least=1):
    """Returns the inputs of a batch as tensors.

    Args:
        batch: Inputs, or a tuple `(x, y)` or `(x, y, sample_weight)`.
        at_least: Integer, how many examples are needed.

    Raises:
        ValueError: If there are too few examples.
    """
    x = batch[0] if isinstance(batch, tuple) else batch
    x = keras.tree.map_structure(_tensor, x)
    sizes = {a.shape[0] if a.shape.rank else 0 for a in keras.tree.flatten(x)}
    if len(sizes) != 1 or min(sizes) < at_least:
        raise ValueError(
            f"`batch` must be inputs, or (x, y), of at least {at_least} examples. Received inputs "
            f"of shape {[tuple(a.shape) for a in keras.tree.flatten(x)]}."
        )
    return x


def float_inputs_of(batch, network=None, name=None, at_least=1):
    """As `inputs_of`, for a score that takes a gradient through a network's inputs.

    Raises:
        ValueError: If the network takes integers, such as words.
    """
    x = inputs_of(batch, at_least)
    for tensor in [] if network is None else network.inputs:
        if "float" not in keras.backend.standardize_dtype(tensor.dtype):
            raise ValueError(
                f"`{name}` is defined for networks that take floats. This one takes "
                f"{tensor.dtype}: count parameters or FLOPs instead."
            )
    return keras.tree.map_structure(
        lambda a: a if a.dtype.is_floating else tf.cast(a, tf.float32), x
    )


def _tensor(array):
    if isinstance(array, tf.Tensor):
        return array
    array = np.asarray(array)
    return tf.convert_to_tensor(array.astype("float32") if array.dtype == np.float64 else array)
