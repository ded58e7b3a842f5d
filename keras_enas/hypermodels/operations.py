"""What a block of a cell can do to its input: the sets of operations of the micro space.

Each operation is a callable that takes `filters` and `strides` and returns a layer
which gives `filters` channels.
"""

import keras

from keras_enas.layers import FactorizedReduction, MaxPooling2D, ReLUConvNorm


def _convolution(*kernel_sizes, **kwargs):
    return lambda filters, strides: ReLUConvNorm(filters, kernel_sizes, strides=strides, **kwargs)


def _average(filters, strides):
    return keras.layers.AveragePooling2D(3, strides=strides, padding="same")


def _maximum(size):
    return lambda filters, strides: MaxPooling2D(size, strides=strides, padding="same")


def _identity(filters, strides):
    return FactorizedReduction(filters) if strides > 1 else keras.layers.Identity()


ALL_OPERATIONS = {
    "identity": _identity,
    "conv1x7_7x1": _convolution((1, 7), (7, 1)),
    "avg3": _average,
    "max3": _maximum(3),
    "max5": _maximum(5),
    "max7": _maximum(7),
    "conv1": _convolution(1),
    "conv3": _convolution(3),
    "sep3": _convolution(3, 3, separable=True),
    "sep5": _convolution(5, 5, separable=True),
    "sep7": _convolution(7, 7, separable=True),
    "dil3": _convolution(3, separable=True, dilation_rate=2),
    "dil5": _convolution(5, separable=True, dilation_rate=2),
}

OPERATION_SETS = {
    # In the order of the released code's operation ids, 0 to 4.
    "enas": ("sep3", "sep5", "avg3", "max3", "identity"),
    # Zoph et al. 2018, section 3: all but the last.
    "nasnet": tuple(label for label in ALL_OPERATIONS if label != "dil5"),
    # Liu et al. 2019, section 3.1, without the one that gives zeros.
    "darts": ("max3", "avg3", "identity", "sep3", "sep5", "dil3", "dil5"),
}

# What has no weights: one layer serves whatever its input is.
PARAMETER_FREE = ("avg3", "max3", "max5", "max7", "identity")


def operation_set(operations):
    """Returns what `operations` names if it is a string, else itself.

    Args:
        operations: A name out of `OPERATION_SETS`, a list of labels or a dict.

    Raises:
        ValueError: If there is no set of that name.
    """
    if not isinstance(operations, str):
        return operations
    if operations not in OPERATION_SETS:
        raise ValueError(
            f"`operations` must be one of {list(OPERATION_SETS)}, a list of labels or a dict. "
            f"Received: operations={operations!r}."
        )
    return OPERATION_SETS[operations]
