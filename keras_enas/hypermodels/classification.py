"""What the spaces of image classifiers have in common: images, operations, head, optimizer."""

import keras

from keras_enas.hypermodels.checks import check_least

# As it is searched, and as the released code trains what was found.
FORMS = ("search", "final")


def check_images(input_shape, num_classes, least=4):
    """Checks the shape of images and the number of classes; returns the shape as a tuple."""
    input_shape = tuple(input_shape)
    if len(input_shape) != 3 or not all(isinstance(n, int) and n > 0 for n in input_shape):
        raise ValueError(
            "`input_shape` must be (height, width, channels), three positive integers. "
            f"Received: input_shape={input_shape}."
        )
    if min(input_shape[:2]) < least:
        raise ValueError(
            f"`input_shape` must be at least {least}x{least} pixels, since the network halves it. "
            f"Received: input_shape={input_shape}."
        )
    check_least("num_classes", num_classes, 2)
    return input_shape


def choose_operations(operations, offered):
    """Returns the dict from label to layer factory that `operations` means.

    Args:
        operations: A list of labels of `offered`, or a dict from label to callable.
        offered: Dict of what there is.
    """
    if isinstance(operations, dict):
        return dict(operations)
    unknown = [label for label in operations if label not in offered]
    if unknown or not operations:
        raise ValueError(
            f"`operations` must be some of {list(offered)}, or a dict from label to a callable "
            f"that returns a layer. Received: operations={operations!r}."
        )
    return {label: offered[label] for label in operations}


def classifier(hypermodel, inputs, features, auxiliary=None, use_bias=False):
    """Ends a network in a softmax over the classes, and compiles it.

    Args:
        hypermodel: Has `dropout`, `num_classes`, `optimizer`, `learning_rate` and
            `weight_decay`.
        inputs: `KerasTensor` of images.
        features: `KerasTensor` `(batch, height, width, channels)`.
        auxiliary: Optional `KerasTensor` of class probabilities, by a layer named
            `aux`: the model's second output, which a recipe trains.
        use_bias: Boolean, of the dense layer.

    Returns:
        A compiled functional `keras.Model`.
    """
    x = keras.layers.GlobalAveragePooling2D()(features)
    x = keras.layers.Dropout(hypermodel.dropout)(x)
    x = keras.layers.Dense(hypermodel.num_classes, use_bias=use_bias)(x)
    # float32, so that mixed precision does not round probabilities.
    x = keras.layers.Activation("softmax", dtype="float32")(x)
    model = keras.Model(inputs, x if auxiliary is None else [x, auxiliary])
    model.compile(
        make_optimizer(hypermodel), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def make_optimizer(hypermodel):
    """Returns a new optimizer of a hypermodel's."""
    if hypermodel.optimizer is not None:
        return hypermodel.optimizer()
    return keras.optimizers.SGD(
        hypermodel.learning_rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=hypermodel.weight_decay,
        global_clipnorm=5.0,
    )
