"""The stock children that `step_time.py` measures against: no layer of keras_enas in them."""

import keras

from keras_enas import to_keras
from keras_enas.cost import count_parameters
from keras_enas.hypermodels.classification import make_optimizer
from keras_enas.hypermodels.macro import OPERATIONS

# The space's candidates are Keras's own layers but for one.
_OPERATIONS = {
    **OPERATIONS,
    "max3": lambda filters: keras.layers.MaxPooling2D(3, strides=1, padding="same"),
}


def exported(hypermodel, child):
    """The child as `to_keras` writes it, compiled alike.

    Its factorised reductions are 2x2 convolutions of stride 2 with zeros in
    them, which is faster than what one writes by hand. The zeros are trained as
    well: the kernel of a reduction has four times the weights of the child's.

    Args:
        hypermodel: The `HyperMacroCNN` that built the child.
        child: A built functional `keras.Model`.

    Returns:
        A compiled `keras.Model`.
    """
    return _compiled(hypermodel, to_keras(child))


def by_hand(hypermodel, architecture):
    """The child as one writes it by hand in Keras layers, compiled alike.

    Layer by layer what `HyperMacroCNN.build` gives for the architecture: the
    same operations, initialisers, moving averages and weights in number. Like
    there, what leads nowhere is left out.

    Args:
        hypermodel: A `HyperMacroCNN`.
        architecture: An `Architecture` of its space.

    Returns:
        A compiled `keras.Model`.
    """
    filters, values = hypermodel.filters, architecture.values
    inputs = keras.Input(hypermodel.input_shape)
    # The stem, then the output of every layer: output i + 1 is that of layer i.
    outputs = [_normalization()(_convolution(filters, 3)(inputs))]
    for k in range(hypermodel.num_layers):
        x = keras.layers.ReLU()(_normalization()(_convolution(filters, 1)(outputs[-1])))
        operation = values[f"layer_{k}/op"]
        x = _OPERATIONS[operation](filters)(x)
        if operation not in ("avg3", "max3"):
            x = keras.layers.ReLU()(_normalization()(x))
        if k > 0:
            skips = [outputs[i] for i in range(k) if values[f"layer_{k}/skip/{i}"]]
            x = _normalization()(keras.layers.Add()([x, *skips]) if skips else x)
        outputs.append(x)
        if k in hypermodel.reductions:
            later = range(k + 1, hypermodel.num_layers)
            for i in range(k + 2):
                if i == k + 1 or any(values[f"layer_{j}/skip/{i}"] for j in later):
                    outputs[i] = _reduced(filters, outputs[i])
    x = keras.layers.GlobalAveragePooling2D()(outputs[-1])
    x = keras.layers.Dropout(hypermodel.dropout)(x)
    x = keras.layers.Dense(hypermodel.num_classes, use_bias=False)(x)
    x = keras.layers.Activation("softmax", dtype="float32")(x)
    return _compiled(hypermodel, keras.Model(inputs, x))


def check_same_size(child, stock):
    """Raises `RuntimeError` unless two children have the same number of trainable parameters."""
    sizes = count_parameters(child), count_parameters(stock)
    if sizes[0] != sizes[1]:
        raise RuntimeError(
            f"The child has {sizes[0]:,} trainable parameters and the one written by hand "
            f"{sizes[1]:,}: they are not the same network."
        )


def _compiled(hypermodel, model):
    # The optimizer that the child was compiled with, a new one.
    model.compile(
        make_optimizer(hypermodel), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def _convolution(filters, size, **kwargs):
    return keras.layers.Conv2D(
        filters, size, padding="same", use_bias=False, kernel_initializer="he_normal", **kwargs
    )


def _normalization():
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)


def _reduced(filters, x):
    """Halves an image as the released ENAS code does (`factorized_reduction`).

    A 1x1 convolution of stride 2 of the image, another of the image shifted by
    one pixel, their outputs side by side, normalised.
    """
    shifted = keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    shifted = keras.layers.Cropping2D(((1, 0), (1, 0)))(shifted)
    half = filters // 2
    paths = [
        _convolution(half, 1, strides=2)(x),
        _convolution(filters - half, 1, strides=2)(shifted),
    ]
    return _normalization()(keras.layers.Concatenate()(paths))
