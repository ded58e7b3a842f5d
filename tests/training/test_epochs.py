"""The epochs of `Recipe.dataset`: by seed and number alone, whatever was read before."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.training import Recipe

IMAGES = np.random.default_rng(0).random((20, 6, 5, 2)).astype("float32")
LABELS = np.arange(20)
RECIPE = Recipe(shift=1, flip=True, cutout=2, batch_size=8)


def arrays(seed=3, **kwargs):
    return RECIPE.dataset(IMAGES, LABELS, seed=seed, **kwargs)


def whole(dataset):
    """Batches of a dataset as lists of arrays."""
    return [[np.array(part) for part in batch] for batch in dataset]


def equal(one, other):
    return len(one) == len(other) and all(
        np.array_equal(a, b)
        for mine, theirs in zip(one, other, strict=True)
        for a, b in zip(mine, theirs, strict=True)
    )


def of_epoch(dataset, number):
    return whole(dataset.of_epoch(tf.constant(number, tf.int64)))


def test_every_iteration_is_the_next_epoch():
    data = arrays()
    epochs = [whole(data) for _ in range(3)]
    assert [len(labels) for _, labels in epochs[0]] == [8, 8, 4] and len(data) == 3
    for number, epoch in enumerate(epochs):
        assert sorted(np.concatenate([labels for _, labels in epoch])) == list(range(20))
        assert equal(epoch, of_epoch(arrays(), number))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        for part in (0, 1):
            assert any(
                (x[part] != y[part]).any() for x, y in zip(epochs[a], epochs[b], strict=True)
            )


def test_the_seed_alone_decides():
    first = whole(arrays())
    for batch in arrays().take(1):
        assert equal([[np.array(part) for part in batch]], first[:1])
    # Neither TensorFlow's state nor what was read decides.
    tf.random.set_seed(77)
    data = arrays()
    next(iter(data))
    assert equal(of_epoch(data, 0), first)
    assert equal(whole(data), of_epoch(data, 1))
    assert not equal(whole(arrays(seed=4)), first)


def test_batches_of_an_epoch_are_changed_differently():
    x = np.tile(IMAGES[:1], (16, 1, 1, 1))
    one, other = (images for images, _ in whole(RECIPE.dataset(x, LABELS[:16], seed=1)))
    assert (one != other).any()
    # Nor does a layer repeat another one's numbers: rows and columns are shifted by themselves.
    shifts = Recipe(shift=2, batch_size=400).dataset(np.tile(IMAGES[:1], (400, 1, 1, 1)), seed=0)
    # 25 places; the chance that one is missing is 25 * 0.96 ** 400 < 3e-6.
    assert len({image.tobytes() for image in np.array(next(iter(shifts)))}) == 25


def test_without_a_seed_it_follows_that_of_keras():
    epochs = []
    for seed in (5, 5, 6):
        keras.utils.set_random_seed(seed)
        epochs.append(whole(arrays(seed=None)))
    assert equal(epochs[0], epochs[1]) and not equal(epochs[0], epochs[2])


def test_without_shuffling_the_order_is_that_of_the_arrays():
    assert list(np.concatenate([y for _, y in whole(arrays(shuffle=False))])) == list(range(20))


@pytest.mark.parametrize(
    ("change", "cardinality"),
    [
        (lambda data: data, 3),
        (lambda data: data.filter(lambda *_: True), tf.data.UNKNOWN_CARDINALITY),
        (lambda data: data.repeat(), tf.data.INFINITE_CARDINALITY),
    ],
    ids=["known", "unknown", "infinite"],
)
def test_a_dataset_is_augmented_by_the_epoch_too(change, cardinality):
    def make():
        plain = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(8)
        return RECIPE.dataset(change(plain), seed=3)

    data = make()
    assert int(data.cardinality()) == cardinality
    epochs = [whole(data.take(3)) for _ in range(2)]
    assert not equal(*epochs)
    for number, epoch in enumerate(epochs):
        again = make().of_epoch(tf.constant(number, tf.int64)).take(3)
        assert equal(epoch, whole(again))
        assert list(np.concatenate([labels for _, labels in epoch])) == list(range(20))


def test_what_is_repeated_goes_on_with_the_next_epoch():
    data = arrays()
    assert equal(whole(data.repeat(2)), of_epoch(data, 0) + of_epoch(data, 1))
