"""Where a switch finds the current architecture.

Not a Keras input: the user's own `keras.Model(inputs, outputs)` would not list
it. Not a variable: each replica of a strategy trains its own child. So the step
that is being traced opens a scope around the call of the network, and the
switches in it read the tensor from there. Replicas trace in threads of their
own, hence thread-local.
"""

import contextlib
import threading

import tensorflow as tf

from keras_enas.supergraph.bodies import Bodies

_CURRENT = threading.local()


class Scope:
    """What holds while a network runs as one architecture.

    Args:
        architecture: int32 tensor `(decisions,)`.
        batch_statistics: Boolean, whether normalisation uses the statistics
            of the batch and leaves its moving averages alone.
        needed: Dict from `id(operation)` to a boolean tensor, whether the
            architecture needs it; operations that are not in it are needed.
    """

    def __init__(self, architecture, batch_statistics, needed):
        self.architecture = architecture
        self.batch_statistics = batch_statistics
        self.needed = needed
        self.bodies = Bodies()


@contextlib.contextmanager
def architecture_scope(architecture, batch_statistics=False, needed=None):
    """Runs the networks called inside as `architecture`; the arguments are those of `Scope`."""
    outer = getattr(_CURRENT, "scope", None)
    _CURRENT.scope = Scope(architecture, batch_statistics, needed or {})
    try:
        yield
    finally:
        _CURRENT.scope = outer


class _Any:
    """Stands for an architecture while there is none: every decision is for candidate 0."""

    def __getitem__(self, position):
        return tf.zeros((), tf.int32)


def being_built():
    """Opens a scope for `build(hp)`, where Keras calls layers to learn the shape of their output.

    It matters to layers that read an index inside their `call`; switches say it themselves.
    """
    return architecture_scope(_Any())


def current_scope():
    """Returns the innermost `Scope`; `RuntimeError` if none is open."""
    scope = getattr(_CURRENT, "scope", None)
    if scope is None:
        raise RuntimeError(
            "A supergraph's network was called without an architecture. Call the Supergraph "
            "(`supergraph(x, architecture=...)`), or build a child."
        )
    return scope


def needed_by_scope(operation):
    """Returns a boolean tensor, whether the current architecture needs it; None: always."""
    scope = getattr(_CURRENT, "scope", None)
    return None if scope is None else scope.needed.get(id(operation))
