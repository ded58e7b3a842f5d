"""The state of a recurrent layer from one batch to the next.

Truncated back-propagation goes through one batch; the state goes on to the next, whose streams
continue those of this one. Only a training or test step carries it: a layer that is simply called,
as in `predict`, begins with zeros, so that a call depends on nothing but its input.
"""

import contextlib
import threading

import tensorflow as tf

_CURRENT = threading.local()


class Memory:
    """A variable for the last state of each stream, of any number of streams.

    It is no weight of its layer and is not saved with it. Each replica of a
    strategy has a part of the streams, and a value of its own.

    Args:
        units: Integer, the size of a state.
        dtype: String.
    """

    def __init__(self, units, dtype):
        self._forgotten = tf.zeros((0, units), dtype)
        # The second is of a batch that is trained several times: the state that it began with.
        self._variable, self._began = (
            tf.Variable(
                self._forgotten,
                shape=(None, units),
                trainable=False,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )
            for _ in range(2)
        )

    def begin(self, first):
        """Begins a batch: at its first training where the last batch ended, then there again.

        Args:
            first: Boolean tensor, whether it is the first training of the batch.
        """
        state = tf.cond(first, self._variable.read_value, self._began.read_value)
        self._variable.assign(state)
        self._began.assign(state)

    def read(self, streams):
        """Returns the last state; zeros after `reset`, or if there were not so many streams."""
        kept = self._variable.read_value()
        zeros = tf.zeros((streams, kept.shape[1]), kept.dtype)
        return tf.cond(tf.shape(kept)[0] == streams, lambda: kept, lambda: zeros)

    def write(self, state):
        self._variable.assign(state)

    def reset(self):
        self._variable.assign(tf.zeros_like(self._forgotten))


class Given:
    """A state that is handed in, and the one that comes out: what an export has.

    Args:
        state: Float tensor `(streams, units)`.
    """

    def __init__(self, state):
        self.state = state

    def read(self, streams):
        return self.state

    def write(self, state):
        self.state = state


@contextlib.contextmanager
def carrying(memories):
    """Lets recurrent layers go on from where they were.

    Args:
        memories: Dict from `id(layer)` to what has its `read` and `write`.
    """
    outer = getattr(_CURRENT, "memories", {})
    _CURRENT.memories = memories
    try:
        yield
    finally:
        _CURRENT.memories = outer


def carried_by_scope(layer):
    """Returns the memory of a layer; None if its state is not carried."""
    return getattr(_CURRENT, "memories", {}).get(id(layer))
