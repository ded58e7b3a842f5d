"""Logit offsets: what the default controller adds to the paper's policy."""

import keras
import tensorflow as tf


class LogitOffsets:
    """Zero-initialised offsets, added to the LSTM's logits outside their tanh.

    A decision has an offset for each candidate; an operation or an input that
    follows another one has a row of them for each candidate of the one before.
    Every row is a softmax of its own, so a preference is learned as soon as it
    shows, alone or relative to the neighbour, while the LSTM, all of whose
    decisions go through the same few weights, learns what depends on more.
    Not in the paper. At the start, offsets zero, it is exactly the paper's policy.

    Rows for each previous candidate in place of one row for all: with one row
    a policy that is paid for pairs settles on one half of a pair before it
    knows the other (benchmarks/README.md).

    Args:
        plan: A `Plan`.
        bound: Float or None. Offsets `o` act as `bound * tanh(o / bound)`: a
            decision never becomes so certain that no sample could revise it.

    Attributes:
        values: Variable `(offsets,)`, all of them in one.
    """

    def __init__(self, plan, bound=None):
        self.plan = plan
        self.bound = bound
        self._shapes = [
            (len(group), max(group.previous_width, 1), group.width) for group in plan.groups
        ]
        self._sizes = [rows * previous * width for rows, previous, width in self._shapes]
        self.values = keras.Variable(
            tf.zeros(sum(self._sizes)), dtype="float32", name="logit_offsets"
        )

    def by_group(self):
        """List of tensors `(decisions of the group, candidates before or 1, width)`."""
        values = tf.convert_to_tensor(self.values)
        if self.bound is not None:
            values = self.bound * tf.tanh(values / self.bound)
        parts = tf.split(values, self._sizes)
        return [tf.reshape(part, s) for part, s in zip(parts, self._shapes, strict=True)]

    def of_group(self, tables, g, architectures):
        """Offsets of all decisions of group `g`, to be added to `(n, decisions, width)`.

        Args:
            tables: What `by_group` returned.
            g: Integer.
            architectures: int32 tensor `(n, decisions)`.
        """
        group = self.plan.groups[g]
        if not group.previous_width:
            return tables[g][:, 0]
        before = tf.gather(architectures, group.previous, axis=1)
        before = tf.one_hot(before, group.previous_width)
        return tf.matmul(before[:, :, None, :], tables[g])[:, :, 0]

    def of_step(self, tables, i, before):
        """Offsets of step `i`, to be added to `(n, size, width)`.

        Args:
            tables: What `by_group` returned.
            i: Integer.
            before: One-hot tensor `(n, candidates before)`, or None.
        """
        group, place = self.plan.places[i]
        table = tables[self.plan.groups.index(group)][group.rows[place]]
        if not group.previous_width:
            return table[:, 0]
        return tf.matmul(before, table[0])[:, None, :]
