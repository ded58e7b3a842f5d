"""The batches that a recipe trains on."""

import keras
import numpy as np
import tensorflow as tf

from keras_enas.training.augmentation import Cutout, RandomShift


def augmentation(margin, flip, cutout, seed=None):
    """Layers that change images for training, as one.

    Args:
        margin: Optional integer, pixels that an image may be shifted by.
        flip: Boolean, whether every other image is mirrored.
        cutout: Optional integer, side of the square that is cut out.
        seed: Optional integer; default one of Keras's.

    Returns:
        A `keras.Sequential` to call with `training=True`; None if nothing is asked for.
    """
    # A stream of its own for each layer.
    seeds = [None if seed is None else 3 * seed + i for i in range(3)]
    layers = []
    if margin:
        layers.append(RandomShift(margin, seed=seeds[0]))
    if flip:
        layers.append(keras.layers.RandomFlip("horizontal", seed=seeds[1]))
    if cutout:
        layers.append(Cutout(cutout, seed=seeds[2]))
    return keras.Sequential(layers, name="augmentation") if layers else None


def batches(x, y, sample_weight, batch_size, shuffle, seed):
    """Arrays as batches, shuffled anew in every epoch.

    Args:
        x: Arrays: one, or a structure of them.
        y: Arrays, or None.
        sample_weight: Optional array.
        batch_size: Integer.
        shuffle: Boolean.
        seed: Optional integer.

    Returns:
        A `tf.data.Dataset` of `x`, `(x, y)` or `(x, y, sample_weight)`.
    """
    parts = tuple(part for part in (x, y, sample_weight) if part is not None)
    arrays = keras.tree.map_structure(np.asarray, parts if len(parts) > 1 else parts[0])
    with tf.device("CPU:0"):
        dataset = tf.data.Dataset.from_tensor_slices(arrays)
    if shuffle:
        dataset = dataset.shuffle(len(keras.tree.flatten(arrays)[0]), seed=seed)
    return dataset.batch(batch_size)


def is_dataset(x):
    """Whether data come in batches already."""
    return isinstance(x, (tf.data.Dataset, keras.utils.PyDataset))


def augmented(dataset, layers):
    """Applies augmentation to the images of a dataset of batches.

    Args:
        dataset: A dataset of batches. To be augmented it must be a
            `tf.data.Dataset` whose first component is images
            `(batch, height, width, channels)`.
        layers: What `augmentation` returns; None changes nothing.

    Returns:
        A `tf.data.Dataset`.

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

    def change(images, *others):
        images = layers(images, training=True)
        return (images, *others) if others else images

    # In one thread, so that the random numbers come in the same order every time.
    return dataset.map(change)


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
