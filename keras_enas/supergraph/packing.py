"""Many small weights in one variable.

An optimizer runs some twenty small operations for each variable, and a
conditional is traced once for each tensor that its branches capture. A
supergraph has many weights of which a step uses few, so it keeps those that
go together in one flat variable and cuts out what a layer needs.
"""

import keras
import numpy as np
import tensorflow as tf


class Hidden:
    """Keeps layers out of Keras's tracking: their own weights must not be trained."""

    def __init__(self, layers):
        self.layers = layers


def is_packable(variable):
    """Whether a weight may share a variable: nothing is asked of it alone."""
    return (
        variable.trainable
        and variable.dtype == "float32"
        and getattr(variable, "regularizer", None) is None
        and getattr(variable, "constraint", None) is None
    )


def sizes(variables):
    """Number of elements of each variable."""
    return [int(np.prod(v.shape)) for v in variables]


def flatten(variables):
    """Returns the values of variables as one NumPy vector."""
    return np.concatenate([keras.ops.convert_to_numpy(v).ravel() for v in variables])


def unflatten(vector, variables):
    """Cuts a vector into tensors of the shapes of variables."""
    parts = tf.split(vector, sizes(variables)) if len(variables) > 1 else [vector]
    # A reshape less for each vector: what a trace costs goes by the number of operations.
    return [
        part if len(v.shape) == 1 else tf.reshape(part, v.shape)
        for part, v in zip(parts, variables, strict=True)
    ]


def run_with(layer, values, inputs, training):
    """Calls a layer with values in place of its variables.

    Args:
        layer: A built layer.
        values: Dict from `id(variable)` to tensor; variables that it does not
            name keep their own value.
        inputs: What the layer takes.
        training: Boolean or None.

    Returns:
        The output, and a dict from `id(variable)` to the value of each
        non-trainable variable of the layer that was given one or got a new one.
    """
    kwargs = {"training": training} if layer._call_has_training_arg else {}
    mapping = [(v, values[id(v)]) for v in layer.variables if id(v) in values]
    # Not `stateless_call`, which skips what calling a layer does for mixed precision.
    with keras.StatelessScope(mapping) as scope:
        outputs = layer(inputs, **kwargs)
    states = {id(v): scope.get_current_value(v) for v in layer.non_trainable_variables}
    return outputs, {key: value for key, value in states.items() if value is not None}
