"""What every space checks of its arguments."""

import math
import numbers

import keras


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


def check_share(name, value):
    """Checks that an argument is a number in [0, 1), such as the share that is dropped."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be a number in [0, 1). Received: {name}={value!r}.")


def check_learning_rate(learning_rate):
    """Checks that it is a number of at least 0, or a schedule."""
    if isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return
    number = isinstance(learning_rate, numbers.Real) and not isinstance(learning_rate, bool)
    if not (number and 0 <= learning_rate < math.inf):
        raise ValueError(
            "`learning_rate` must be a number of at least 0 or a "
            "`keras.optimizers.schedules.LearningRateSchedule`. "
            f"Received: learning_rate={learning_rate!r}."
        )


def check_weight_decay(weight_decay):
    """Checks that it is a number of at least 0, or None, as Keras has it."""
    number = isinstance(weight_decay, numbers.Real) and not isinstance(weight_decay, bool)
    if weight_decay is not None and not (number and 0 <= weight_decay < math.inf):
        raise ValueError(
            "`weight_decay` must be a number of at least 0, or None. "
            f"Received: weight_decay={weight_decay!r}."
        )


def check_training(optimizer, learning_rate, weight_decay, dropout):
    """Checks how an image classifier is trained."""
    check_optimizer(optimizer)
    check_learning_rate(learning_rate)
    check_weight_decay(weight_decay)
    check_share("dropout", dropout)


def check_optimizer(optimizer):
    """Checks that it makes optimizers, or is None."""
    if optimizer is not None and not callable(optimizer):
        raise ValueError(
            "`optimizer` must be a callable that returns a new optimizer, such as "
            f"`lambda: keras.optimizers.Adam(1e-3)`. Received: {optimizer!r}."
        )


def refuse_to_share(hypermodel, **of_children):
    """Checks that a supergraph is not asked for what children alone can have.

    Args:
        hypermodel: What is to be searched with shared weights.
        **of_children: For attributes of it the value that is for children.
    """
    for name, value in of_children.items():
        if getattr(hypermodel, name) == value:
            raise ValueError(
                f"`{name}={value!r}` is for children, but a supergraph was asked for. Search "
                "without it; `child_form` and a recipe give it to the children that are retrained."
            )
