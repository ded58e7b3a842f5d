"""What counting says: the controls that every other score has to beat."""

from keras_enas.cost import count_flops, count_parameters
from keras_enas.training_free.batch import check_child


def parameters(child, batch=None):
    """Number of trainable parameters of a child, a float as other scores are.

    Args:
        child: A built `keras.Model`.
        batch: Not used.

    Returns:
        Float.

    Raises:
        ValueError: If `child` is no built model.
    """
    check_child(child)
    return float(count_parameters(child))


def flops(child, batch=None):
    """Operations of a child for one example (`keras_enas.cost.count_flops`), a float.

    Args:
        child: A built functional or sequential `keras.Model`.
        batch: Not used.

    Returns:
        Float.

    Raises:
        ValueError: If `child` is no built model.
    """
    check_child(child)
    return float(count_flops(child))
