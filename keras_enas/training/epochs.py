"""Data that differ from epoch to epoch by the number of the epoch alone."""

import tensorflow as tf


def by_epoch(of_epoch, steps):
    """Makes one dataset of the datasets of all epochs: every iteration is the next epoch.

    How often it was iterated is nothing that outlives a process. Who counts
    epochs, as a search does, asks for them by number: the dataset has the
    attribute `of_epoch`. (Datasets made of it, as by `map` or `take`, do not.)

    Args:
        of_epoch: Callable from an epoch's number, an int64 scalar tensor, to the
            `tf.data.Dataset` of that epoch. It must be a pure function.
        steps: Integer, batches of an epoch, or a cardinality of `tf.data`.

    Returns:
        A `tf.data.Dataset`.
    """
    with tf.device("CPU:0"):
        begun = tf.Variable(0, dtype=tf.int64, trainable=False)

    def next_epoch(_):
        return of_epoch(begun.assign_add(1) - 1)

    dataset = tf.data.Dataset.range(1).flat_map(next_epoch)
    if steps != tf.data.UNKNOWN_CARDINALITY:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps))
    dataset = dataset.prefetch(2)
    dataset.of_epoch = of_epoch
    return dataset


def key(seed, *numbers):
    """A seed of its own for each combination of numbers.

    Args:
        seed: Integer.
        *numbers: Integers, or scalar integer tensors.

    Returns:
        An int64 tensor of shape `(2,)`, for the `stateless_` functions of TensorFlow.
    """
    made = tf.constant([seed, 0], tf.int64)
    for number in numbers:
        made = tf.random.experimental.stateless_fold_in(made, tf.cast(number, tf.int64))
    return made
