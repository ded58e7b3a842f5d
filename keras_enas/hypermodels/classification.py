"""What the spaces of image classifiers have in common: arguments, head, optimizer."""

import numbers

import keras

from keras_enas.published import PublishedArchitecture
from keras_enas.search_space import Architecture, recorded_space

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


def check_least(name, value, least):
    """Checks that an argument is an integer of at least `least`."""
    # NumPy's integers too: a number of classes is often `y.max() + 1`.
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(
            f"`{name}` must be an integer of at least {least}. Received: {name}={value!r}."
        )


def check_one_of(name, value, allowed):
    """Checks that an argument is one of a few values."""
    if value not in allowed:
        raise ValueError(f"`{name}` must be one of {allowed}. Received: {name}={value!r}.")


def check_shareable(hypermodel, **of_children):
    """Checks that a supergraph is not asked for what children alone can have.

    Args:
        hypermodel: What is being built.
        **of_children: For attributes of it the value that is for children.
    """
    for name, value in of_children.items():
        if getattr(hypermodel, name) == value:
            raise ValueError(
                f"`{name}={value!r}` is for children, but a supergraph was asked for. Search "
                "without it; `child_form` and a recipe give it to the children that are retrained."
            )


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


def check_optimizer(optimizer):
    """Checks that it makes optimizers, or is None."""
    if optimizer is not None and not callable(optimizer):
        raise ValueError(
            "`optimizer` must be a callable that returns a new optimizer, such as "
            f"`lambda: keras.optimizers.Adam(1e-3)`. Received: {optimizer!r}."
        )


def classifier(hypermodel, inputs, features, auxiliary=None):
    """Ends a network in a softmax over the classes, and compiles it.

    Args:
        hypermodel: Has `dropout`, `num_classes`, `optimizer`, `learning_rate` and
            `weight_decay`.
        inputs: `KerasTensor` of images.
        features: `KerasTensor` `(batch, height, width, channels)`.
        auxiliary: Optional `KerasTensor` of class probabilities, by a layer named
            `aux`: the model's second output, which a recipe trains.

    Returns:
        A compiled functional `keras.Model`.
    """
    x = keras.layers.GlobalAveragePooling2D()(features)
    x = keras.layers.Dropout(hypermodel.dropout)(x)
    x = keras.layers.Dense(hypermodel.num_classes, use_bias=False)(x)
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


def space_of(hypermodel):
    """Returns the `SearchSpace` of a hypermodel."""
    import keras_tuner

    hp = keras_tuner.HyperParameters()
    hypermodel.build(hp)
    return recorded_space(hp)


def build_architecture(hypermodel, architecture):
    """Builds the child of an architecture.

    Args:
        hypermodel: A `keras_tuner.HyperModel`.
        architecture: An `Architecture` of its space, the text of one, or a
            `PublishedArchitecture`.

    Returns:
        A compiled, untrained `keras.Model`.

    Raises:
        ValueError: If it is an architecture of another space.
    """
    space = space_of(hypermodel)
    if isinstance(architecture, PublishedArchitecture):
        architecture = architecture.text
    if not isinstance(architecture, Architecture):
        architecture = space.parse(architecture)
    elif architecture.space != space:
        raise ValueError(
            f"`architecture` is of another space: {space.difference(architecture.space)}."
        )
    return hypermodel.build(architecture.to_hyperparameters())
