"""Shifts, flips and cut squares: where, how large, how often, and repeatable."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.layers.stock import to_keras
from keras_enas.training import Cutout, RandomShift
from keras_enas.training.data import augmentation, augmented, batches


def numbered(n, height=6, width=5):
    """Images whose pixels tell where they were: channel 0 the row, 1 the column, from 1."""
    rows, columns = np.mgrid[1 : height + 1, 1 : width + 1]
    return np.tile(np.stack([rows, columns], -1).astype("float32"), (n, 1, 1, 1))


def test_a_shift_moves_every_image_by_itself_and_pads_with_zeros():
    margin, n = 2, 2000
    x = numbered(n)
    outputs = np.array(RandomShift(margin, seed=0)(x, training=True))
    assert outputs.shape == x.shape
    seen = set()
    for image in outputs:
        # The pixel that is in the middle always shows where the image went.
        down, right = 3 - image[2, 2, 0], 3 - image[2, 2, 1]
        expected = np.zeros_like(image)
        for i in range(6):
            for j in range(5):
                if 0 <= i - down < 6 and 0 <= j - right < 5:
                    expected[i, j] = i - down + 1, j - right + 1
        np.testing.assert_array_equal(image, expected)
        seen.add((int(down), int(right)))
    # All 25 places: the chance that one of them is missing is 25 * 0.96 ** 2000 < 1e-33.
    assert seen == {(i, j) for i in range(-2, 3) for j in range(-2, 3)}


@pytest.mark.parametrize("size", [16, 5, 1])
def test_cutout_cuts_one_square_around_any_pixel(size):
    n, length = 3000, 32
    x = np.ones((n, length, length, 3), "float32")
    cut = np.array(Cutout(size, seed=1)(x, training=True)) == 0
    np.testing.assert_array_equal(cut[..., 0], cut.all(-1))
    rows, columns = cut[..., 0].any(2), cut[..., 0].any(1)
    # One rectangle: the outer product of its rows and its columns.
    np.testing.assert_array_equal(cut[..., 0], rows[:, :, None] & columns[:, None, :])
    heights = rows.sum(1)
    assert heights.max() == size and heights.min() == max(1, size - size // 2)
    assert (np.diff(rows.astype(int), axis=1) == 1).sum(1).max() <= 1
    # Centre c covers [c - size // 2, c - size // 2 + size) of 0 .. 31; 3000 draws of a mean
    # height: 5 standard deviations are at most 0.25 rows.
    spans = [min(c - size // 2 + size, length) - max(c - size // 2, 0) for c in range(length)]
    assert heights.mean() == pytest.approx(np.mean(spans), abs=0.25)
    area = cut[..., 0].sum((1, 2))
    assert area.max() == size * size
    # Every row is covered sometimes, also the first and the last one.
    assert rows.any(0).all() and columns.any(0).all()


def test_cutout_of_a_batch_differs_from_image_to_image_and_fills():
    x = np.ones((50, 8, 8, 1), "float32")
    outputs = np.array(Cutout(3, fill_value=-7.0, seed=0)(x, training=True))
    assert set(np.unique(outputs)) == {-7.0, 1.0}
    assert len({image.tobytes() for image in outputs}) > 20


def test_flips_are_half_of_all():
    keras.utils.set_random_seed(0)
    layers = augmentation(None, True, None)
    x = numbered(2000)
    outputs = np.array(layers(x, training=True))
    mirrored = (outputs == x[:, :, ::-1]).all((1, 2, 3))
    np.testing.assert_array_equal(outputs[~mirrored], x[~mirrored])
    # 5 standard deviations.
    assert mirrored.mean() == pytest.approx(0.5, abs=0.056)


def test_nothing_happens_outside_training():
    x = numbered(4)
    for layer in (RandomShift(2), Cutout(3), augmentation(2, True, 3)):
        np.testing.assert_array_equal(np.array(layer(x, training=False)), x)
    assert augmentation(None, False, None) is None


def test_weights_and_dtypes_come_through():
    x = (numbered(6) * 10).astype("uint8")
    data = batches(x, np.arange(6), np.linspace(0, 1, 6), 4, False, 0)
    images, labels, weights = next(iter(augmented(data, augmentation(1, False, 2), 0)))
    assert images.shape == (4, 6, 5, 2) and list(labels) == [0, 1, 2, 3]
    np.testing.assert_allclose(weights, np.linspace(0, 1, 6)[:4])


@pytest.mark.parametrize("bad", [np.ones((4, 9)), {"a": np.ones((4, 5, 5, 1))}])
def test_what_is_no_image_is_refused(bad):
    with pytest.raises(ValueError, match="must be batches of \\(height, width, channels\\)"):
        data = tf.data.Dataset.from_tensor_slices((bad, np.ones(4))).batch(2)
        augmented(data, augmentation(1, 0, 0), 0)


@pytest.mark.parametrize("make", [lambda: RandomShift(0), lambda: Cutout(0)])
def test_sizes_below_one_are_refused(make):
    with pytest.raises(ValueError, match="must be at least 1"):
        make()


def test_inside_a_model_they_save_and_the_export_leaves_them_out(tmp_path):
    layers = [RandomShift(1, seed=2), Cutout(2, fill_value=0.5, seed=3)]
    model = keras.Sequential(
        [keras.Input((6, 5, 2)), *layers, keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for mine, theirs in zip(model.layers[:2], again.layers[:2], strict=True):
        assert mine.get_config() == theirs.get_config()
    stock = to_keras(model)
    assert [type(x).__name__ for x in stock.layers] == ["InputLayer", "Flatten", "Dense"]
    x = numbered(3)
    np.testing.assert_allclose(np.array(stock(x)), np.array(model(x)), rtol=1e-6)
    nested = keras.Sequential([keras.Input((6, 5, 2)), augmentation(1, True, 2)])
    np.testing.assert_array_equal(np.array(to_keras(nested)(x, training=False)), x)
