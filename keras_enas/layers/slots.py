"""A tensor for each node of a cell, some at indices that follow the architecture."""

import tensorflow as tf


class Slots:
    """A tensor for each node, at indices that are numbers."""

    def __init__(self, size, like):
        self._values = [None] * size

    def read(self, index):
        return self._values[index]

    def write(self, index, value):
        self._values[index] = value

    def add(self, index, value):
        old = self._values[index]
        self._values[index] = value if old is None else old + value

    def mean(self, ends):
        return tf.add_n([self._values[i] for i in ends]) / len(ends)

    def spread(self, ends, value):
        """The gradient of `mean`."""
        part = value / len(ends)
        self._values = [part if i in ends else None for i in range(len(self._values))]


class TensorSlots:
    """A tensor for each node, at indices that may be tensors.

    A list of tensors, in which writing and reading copy nothing. What was never
    written is zero.
    """

    def __init__(self, size, like):
        self._size = size
        self._shape = like.shape
        self._element = {"element_shape": tf.shape(like), "element_dtype": like.dtype}
        # One place more, for `spread`.
        self._list = tf.raw_ops.TensorListReserve(num_elements=size + 1, **self._element)
        # What stands at indices that are numbers needs no reading.
        self._known = {}

    def read(self, index):
        if isinstance(index, int) and index in self._known:
            return self._known[index]
        value = tf.raw_ops.TensorListGetItem(input_handle=self._list, index=index, **self._element)
        value.set_shape(self._shape)
        return value

    def write(self, index, value):
        self._list = tf.raw_ops.TensorListSetItem(input_handle=self._list, index=index, item=value)
        self._known[index] = value

    def add(self, index, value):
        value += self.read(index)
        self._known = {}
        self._list = tf.raw_ops.TensorListSetItem(input_handle=self._list, index=index, item=value)

    def mean(self, ends):
        values = tf.raw_ops.TensorListGather(input_handle=self._list, indices=ends, **self._element)
        value = tf.reduce_mean(values, axis=0)
        value.set_shape(self._shape)
        return value

    def spread(self, ends, value):
        """The gradient of `mean`, in the places of `ends`; if these are a tensor, in the last."""
        part = value / tf.cast(tf.size(ends), value.dtype)
        for index in ends if isinstance(ends, list) else [self._size]:
            self.write(index, part)
