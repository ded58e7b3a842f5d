"""The training-free scores by name."""

from keras_enas.training_free.jacobian_covariance import JacobianCovariance, jacobian_covariance
from keras_enas.training_free.naswot import Naswot, naswot
from keras_enas.training_free.size import flops, parameters
from keras_enas.training_free.synflow import Synflow, synflow

# From a child and a batch to a float, higher is better.
SCORES = {
    "synflow": synflow,
    "naswot": naswot,
    "jacobian_covariance": jacobian_covariance,
    "parameters": parameters,
    "flops": flops,
}
# Those that look into the network, which a supergraph can be asked for.
INTO_THE_NETWORK = {
    "synflow": Synflow,
    "naswot": Naswot,
    "jacobian_covariance": JacobianCovariance,
}


def check_name(name):
    """Raises `ValueError` if there is no score of a name."""
    if name not in SCORES:
        raise ValueError(f"`name` must be one of {list(SCORES)}. Received: name={name!r}.")


def score(name, child, batch=None):
    """The training-free score of a child.

    The weights are those of the child, so a seed is that of its building
    (`keras.utils.set_random_seed`); nothing else is left to chance.

    Args:
        name: String, one of `SCORES`.
        child: A built `keras.Model`, compiled or not, of layers of this package or
            of Keras.
        batch: Inputs, or `(x, y)`; `"parameters"` and `"flops"` need none.

    Returns:
        Float, higher is better.

    Raises:
        ValueError: If an argument does not fit.
    """
    check_name(name)
    if batch is None and name in INTO_THE_NETWORK:
        raise ValueError(f"`batch` is needed for '{name}'. Received: batch=None.")
    return SCORES[name](child, batch)
