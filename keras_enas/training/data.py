"""The batches that a recipe trains on."""

import math

import keras
import numpy as np
import tensorflow as tf

from keras_enas.training.augmentation import Cutout, RandomShift
from keras_enas.training.epochs import by_epoch, key

# What random numbers of an epoch are drawn for.
_ORDER, _IMAGES = 0, 1


def augmentation(margin, flip, cutout):
    """Layers that change images for training, as one.

    Args:
        margin: Optional integer, pixels that an image may be shifted by.
        flip: Boolean, whether every other image is mirrored.
        cutout: Optional integer, side of the square that is cut out.

    Returns:
        A `keras.Sequential` to call with `training=True`; None if nothing is asked for.
    """
    layers = []
    if margin:
        layers.append(RandomShift(margin))
    if flip:
        layers.append(keras.layers.RandomFlip("horizontal"))
    if cutout:
        layers.append(Cutout(cutout))
    return keras.Sequential(layers, name="augmentation") if layers else None


def batches(x, y, sample_weight, batch_size, shuffle, seed):
    """Arrays as batches, in an order that follows from the seed and the epoch alone.

    Args:
        x: Arrays: one, or a structure of them.
        y: Arrays, or None.
        sample_weight: Optional array.
        batch_size: Integer.
        shuffle: Boolean.
        seed: Integer.

    Returns:
        A `tf.data.Dataset` of `x`, `(x, y)` or `(x, y, sample_weight)`; see `by_epoch`.
    """
    parts = tuple(part for part in (x, y, sample_weight) if part is not None)
    with tf.device("CPU:0"):
        arrays = keras.tree.map_structure(
            lambda a: tf.convert_to_tensor(np.asarray(a)), parts if len(parts) > 1 else parts[0]
        )
    size = len(keras.tree.flatten(arrays)[0])

    def take(indices):
        return keras.tree.map_structure(lambda a: tf.gather(a, indices), arrays)

    def of_epoch(epoch):
        order = tf.range(size)
        if shuffle:
            order = tf.random.experimental.stateless_shuffle(order, key(seed, epoch, _ORDER))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size).map(take)

    return by_epoch(of_epoch, math.ceil(size / batch_size))


def is_dataset(x):
    """Whether data come in batches already."""
    return isinstance(x, (tf.data.Dataset, keras.utils.PyDataset))


def augmented(dataset, layers, seed):
    """Applies augmentation to the images of a dataset of batches.

    The random numbers of a batch follow from the seed, the epoch and the number
    of the batch, whatever was read before. (A layer's own random state would go
    on by all that was ever read, and by what was only fetched ahead.)

    Args:
        dataset: A dataset of batches. To be augmented it must be a
            `tf.data.Dataset` whose first component is images
            `(batch, height, width, channels)`.
        layers: What `augmentation` returns; None changes nothing.
        seed: Integer.

    Returns:
        A `tf.data.Dataset`; see `by_epoch`.

    Raises:
        ValueError: If the first component is no batch of images.
    """
    if layers is None:
        return dataset
    if not isinstance(dataset, tf.data.Dataset):
        raise ValueError(
            "The recipe augments images, which needs arrays or a `tf.data.Dataset`. For other "
            f"data use `recipe.replace(shift=None, flip=False, cutout=None)`. Received: {dataset}."
        )
    spec = dataset.element_spec
    images = spec[0] if isinstance(spec, tuple) else spec
    if not isinstance(images, tf.TensorSpec) or images.shape.rank != 4:
        raise ValueError(
            "The recipe augments images, so `x` must be batches of (height, width, channels). "
            f"Received: {images}. For other data use "
            "`recipe.replace(shift=None, flip=False, cutout=None)`."
        )
    layers.build((None, *images.shape[1:]))
    states = layers.non_trainable_variables
    plain = getattr(dataset, "of_epoch", lambda epoch: dataset)

    def of_epoch(epoch):
        def change(number, batch):
            images, *others = batch if isinstance(batch, tuple) else (batch,)
            seeds = tf.random.stateless_uniform(
                (len(states), 2), key(seed, epoch, _IMAGES, number), 0, tf.int32.max, tf.int32
            )
            seeds = tf.unstack(tf.cast(seeds, states[0].dtype))
            images, _ = layers.stateless_call([], seeds, images, training=True)
            return (images, *others) if others else images

        return plain(epoch).enumerate().map(change)

    return by_epoch(of_epoch, int(dataset.cardinality()))


def counted(data, steps_per_epoch=None):
    """Data that know the length of an epoch, which Keras needs to end one cleanly.

    Args:
        data: A `tf.data.Dataset` or `keras.utils.PyDataset`.
        steps_per_epoch: As in `fit`.

    Returns:
        The data, and the integer number of batches of an epoch.

    Raises:
        ValueError: If the data never end.
    """
    if steps_per_epoch is not None:
        return data, steps_per_epoch
    steps = int(data.cardinality()) if isinstance(data, tf.data.Dataset) else data.num_batches
    if steps is None or steps == tf.data.INFINITE_CARDINALITY:
        raise ValueError("`steps_per_epoch` is needed for data that never end.")
    if steps == tf.data.UNKNOWN_CARDINALITY:
        steps = int(data.reduce(np.int64(0), lambda count, *_: count + 1))
        data = data.apply(tf.data.experimental.assert_cardinality(steps))
    return data, steps
