"""The data of a search: checked early, and in an order that a new process can repeat."""

import math
import zlib

import keras
import numpy as np
import tensorflow as tf

# Reading a whole dataset before the search would cost as much as an epoch of it.
CHECKED_BATCHES = 20


class TrainingData:
    """Batches for the shared weights.

    Arrays are shuffled anew for every epoch, by the seed and the number of the
    epoch alone: an interrupted search goes on with the very batches that an
    uninterrupted one would have had. So are the epochs of a `tf.data.Dataset`
    that gives them by number (`of_epoch`, see `Recipe.dataset`); any other is
    taken as it is.

    Args:
        x: Arrays (one, or a structure of them) or a `tf.data.Dataset` of batches.
        y: Arrays, or None for a dataset.
        sample_weight: Optional array.
        batch_size: Integer, for arrays.
        shuffle: Boolean, for arrays.
        seed: Integer.
        steps_per_epoch: Optional integer; default all batches.
    """

    def __init__(self, x, y, sample_weight, batch_size, shuffle, seed, steps_per_epoch=None):
        self._seed = seed
        self._shuffle = shuffle
        self._batch_size = batch_size
        self.is_dataset = isinstance(x, tf.data.Dataset)
        if self.is_dataset:
            self._dataset = x
            self._cardinality = int(x.cardinality())
            if self._cardinality < 0 and steps_per_epoch is None:
                # It does not know its length. Read to an end that is not known beforehand, Keras
                # would count a step too many or not, as it happens.
                self._cardinality = int(x.reduce(np.int64(0), lambda n, *_: n + 1))
            self.steps = int(steps_per_epoch or self._cardinality)
        else:
            with tf.device("CPU:0"):
                self._arrays = keras.tree.map_structure(
                    _tensor, (x, y) if sample_weight is None else (x, y, sample_weight)
                )
            self._size = len(keras.tree.flatten(x)[0])
            self.steps = int(steps_per_epoch or math.ceil(self._size / batch_size))

    def batches(self, epochs):
        """Returns the `tf.data.Dataset` of the epochs numbered `epochs`, one after the other."""
        if self.is_dataset:
            # Never more than is used: in a dataset that shuffles or augments by a state of its
            # own, what somebody fetches ahead would decide what the next round gets.
            return self._endless(epochs[0]).take(len(epochs) * self.steps)
        parts = []
        for epoch in epochs:
            order = np.arange(self._size)
            if self._shuffle:
                np.random.default_rng((self._seed, epoch)).shuffle(order)
            ends = np.arange(0, self._size, self._batch_size)[1:]
            chunks = np.split(order, ends)
            parts += [chunks[i % len(chunks)] for i in range(self.steps)]
        rows = tf.RaggedTensor.from_row_lengths(
            np.concatenate(parts), [len(part) for part in parts]
        )
        arrays = self._arrays

        def take(indices):
            return keras.tree.map_structure(lambda a: tf.gather(a, indices), arrays)

        return tf.data.Dataset.from_tensor_slices(rows).map(take).prefetch(2)

    def _endless(self, epoch):
        """The batches of a dataset from the beginning of an epoch of the search.

        A round goes on where the one before ended, also if an epoch takes a part only.
        """
        whole, done = epoch, 0
        if self._cardinality > 0:
            whole, done = divmod(epoch * self.steps, self._cardinality)
        of_epoch = getattr(self._dataset, "of_epoch", None)
        if of_epoch is None:
            return self._dataset.repeat().skip(done)
        return tf.data.Dataset.range(whole, tf.int64.max).flat_map(of_epoch).skip(done).prefetch(2)

    def repeats(self):
        """Whether an epoch that is asked for again has the same batches, as far as its first says.

        Those of a dataset that shuffles or augments by a state of its own are others each time.
        """
        if not self.is_dataset or hasattr(self._dataset, "of_epoch"):
            return True
        first, again = (next(iter(self._dataset.take(1))) for _ in range(2))
        first, again = (tf.nest.flatten(one, expand_composites=True) for one in (first, again))
        return all(map(_same, (one.numpy() for one in first), (one.numpy() for one in again)))

    def described(self):
        """A text for each part that is another one for other data; see `described`."""
        return described(self._dataset if self.is_dataset else self._arrays)

    def one_batch(self):
        """Returns `(x, y)` of the first batch."""
        return next(iter(self.batches([0]).take(1)))[:2]

    def some_inputs(self, count):
        """Returns inputs (without labels) of up to `count` batches, for recalibration."""
        return [batch[0] for batch in self.batches([0]).take(count)]


class ValidationData:
    """Batches on which architectures are scored.

    Normalisation uses the statistics of a batch, so batches are of one size
    (give or take one) and mixed, in an order that the seed fixes.

    Args:
        data: `(x, y)` or `(x, y, sample_weight)` of arrays, or a `tf.data.Dataset`.
        batch_size: Integer, for arrays.
        seed: Integer.
        steps: Optional integer, how many batches to use at most.
        least: Integer, what a batch of arrays must have, even if that is more than
            `batch_size`, as far as there are so many examples.
    """

    def __init__(self, data, batch_size, seed, steps=None, least=1):
        if isinstance(data, tf.data.Dataset):
            self.batches = list(data.take(steps or -1))
        else:
            data = tuple(a for a in data if a is not None)
            size = len(keras.tree.flatten(data)[0])
            order = np.random.default_rng((seed, size)).permutation(size)
            count = min(math.ceil(size / batch_size), max(size // least, 1))
            chunks = np.array_split(order, count)[:steps]
            with tf.device("CPU:0"):
                self.batches = [
                    keras.tree.map_structure(lambda a, c=chunk: _tensor(np.asarray(a)[c]), data)
                    for chunk in chunks
                ]
        self.sizes = [int(keras.tree.flatten(batch)[0].shape[0]) for batch in self.batches]


def described(data):
    """Describes data: JSON-serialisable, another one for other data, without a pass over datasets.

    Args:
        data: A structure of arrays or datasets; of a dataset only its form and length count.

    Returns:
        List of strings.
    """
    parts = []
    for part in keras.tree.flatten(data):
        if hasattr(part, "element_spec"):
            parts.append(f"{part.element_spec} {int(part.cardinality())}")
        elif hasattr(part, "num_batches"):
            parts.append(f"{type(part).__name__} of {part.num_batches}")
        elif part is not None:
            array = np.ascontiguousarray(part)
            # Of strings an array has addresses only, which are others in another process.
            strings = array.dtype == object
            content = repr(array.tolist()).encode() if strings else array.tobytes()
            parts.append(f"{array.shape} {array.dtype} {zlib.crc32(content):08x}")
    return parts


def split(x, y, sample_weight, share):
    """Takes the last `share` of arrays for validation, as `fit` does.

    Returns:
        `(x, y, sample_weight)` for training and for validation.
    """
    size = len(keras.tree.flatten(x)[0])
    at = math.floor(size * (1.0 - share))
    if not 0 < at < size:
        raise ValueError(
            f"`validation_split` must leave examples on both sides. Received: "
            f"validation_split={share} for {size} examples."
        )
    arrays = (x, y, sample_weight)
    return tuple(
        keras.tree.map_structure(lambda a, part=part: None if a is None else a[part], arrays)
        for part in (slice(at), slice(at, None))
    )


def check_arrays(name, x, y, sample_weight=None):
    """Checks that arrays are there and of one length; `ValueError` names the argument."""
    for part in keras.tree.flatten(x):
        if not hasattr(part, "__len__") or isinstance(part, str):
            raise ValueError(
                f"`{name}` must be arrays, a `tf.data.Dataset` or a `keras.utils.PyDataset`. "
                f"Received: {type(part)}."
            )
    if y is None:
        raise ValueError(f"`{name}`: arrays need labels. Received y=None.")
    parts = [a for a in keras.tree.flatten((x, y, sample_weight)) if a is not None]
    lengths = {len(a) for a in parts}
    if len(lengths) > 1:
        raise ValueError(
            f"`{name}`: all arrays must have one length. Received {[len(a) for a in parts]}."
        )
    if lengths == {0}:
        raise ValueError(f"`{name}` is empty. Give at least one example.")


def check_dataset(name, dataset, steps_name, steps):
    """Checks that a dataset ends, or `steps`, and that it is one of batches `(x, y)`."""
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY and steps is None:
        raise ValueError(f"`{name}` is a dataset without end. Give `{steps_name}`.")
    if not isinstance(dataset.element_spec, tuple) or len(dataset.element_spec) not in (2, 3):
        raise ValueError(
            f"`{name}` must be a dataset of batches (x, y) or (x, y, sample_weight). "
            f"Received elements like {dataset.element_spec}."
        )


def check_batches(name, dataset, network):
    """Checks that a dataset is not empty, and that the labels of its first batches fit."""
    empty = True
    for batch in dataset.take(CHECKED_BATCHES):
        check_labels(name, batch[1], network)
        empty = False
    if empty:
        raise ValueError(f"`{name}` is an empty dataset. Give at least one batch.")


def as_dataset(data):
    """Makes a `tf.data.Dataset` of a `keras.utils.PyDataset`; gives back anything else."""
    if not isinstance(data, keras.utils.PyDataset):
        return data

    def batches():
        for i in range(data.num_batches):
            yield keras.tree.map_structure(_tensor, tuple(data[i]))
        data.on_epoch_end()

    signature = keras.tree.map_structure(
        lambda a: tf.TensorSpec([None, *a.shape[1:]], a.dtype),
        keras.tree.map_structure(_tensor, tuple(data[0])),
    )
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(data.num_batches))


def check_labels(name, y, network):
    """Checks integer labels against the classes that the network has."""
    loss = network.loss
    ignored = getattr(loss, "ignore_class", None)
    loss = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", ""))
    outputs = keras.tree.flatten(network.outputs)
    if "sparse_categorical" not in str(loss) or isinstance(y, (dict, list)) or len(outputs) > 1:
        return
    classes = outputs[0].shape[-1]
    labels = np.asarray(y)
    labels = labels if ignored is None else labels[labels != ignored]
    if not labels.size:
        return
    low, high = labels.min(), labels.max()
    if low < 0 or high >= classes:
        raise ValueError(
            f"`{name}`: labels must be 0 to {classes - 1}, since the network has {classes} "
            f"outputs. Received labels from {low} to {high}."
        )


def _same(one, other):
    """Whether two arrays are the same, NaN in the same places included."""
    return one.shape == other.shape and bool(np.all((one == other) | (one != one)))


def _tensor(array):
    array = np.asarray(array)
    # Keras converts float64 when it makes batches of arrays itself.
    return tf.convert_to_tensor(array.astype("float32") if array.dtype == np.float64 else array)
