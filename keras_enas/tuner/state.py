"""What of a supergraph and its optimizer has to be kept, as arrays."""

import contextlib
import math
import random

import keras
import numpy as np


def get_arrays(supergraph):
    """Returns all shared weights, optimizer slots and random states, `{name: array}`."""
    return {
        f"{i:05d}": keras.ops.convert_to_numpy(variable)
        for i, variable in enumerate(_variables(supergraph))
    }


def set_arrays(supergraph, arrays):
    """Puts back what `get_arrays` returned.

    Raises:
        ValueError: If number or shapes do not fit; then nothing is changed.
    """
    variables = _variables(supergraph)
    values = [arrays[name] for name in sorted(arrays)]
    shapes = [tuple(v.shape) for v in variables]
    given = [value.shape for value in values]
    if given != shapes:
        raise ValueError(
            "The shared weights on disk are not those of this hypermodel: "
            f"{_difference(given, shapes)}. Go on with what wrote them, or pass `overwrite=True` "
            "or another `project_name` to begin anew."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _difference(given, shapes):
    """Says in what the shapes on disk differ from those of the network, and why that may be."""
    pairs = zip(given, shapes, strict=False)
    first = [f"one has the shape {a} on disk and {b} here" for a, b in pairs if a != b][:1]
    where = "; ".join([f"{len(given)} arrays on disk, {len(shapes)} in the network", *first])
    if [math.prod(shape) for shape in given] == [math.prod(shape) for shape in shapes]:
        # Their sizes are: so it is how they are laid out.
        return f"another version of keras_enas wrote them, or it has changed ({where})"
    return f"it has changed, or another version of keras_enas wrote them ({where})"


def is_finite(supergraph):
    """Whether no trainable weight and nothing in the optimizer is NaN or infinite."""
    network = supergraph.network
    return all(
        bool(np.isfinite(keras.ops.convert_to_numpy(v)).all())
        for v in network.trainable_variables + network.optimizer.variables
    )


def _variables(supergraph):
    return supergraph.network.variables + supergraph.network.optimizer.variables


@contextlib.contextmanager
def seeded(seed):
    """Makes what Keras draws inside (initial weights, seeds of layers) follow from `seed`.

    Keras takes the seed of an initializer from Python's `random`; the caller's
    own sequence goes on afterwards as if nothing had happened.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
