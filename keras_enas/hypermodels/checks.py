"""What every space checks of its arguments."""

import numbers


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
