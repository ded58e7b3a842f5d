"""What is left of scores when their noise is taken out."""

import numpy as np
import pytest
from scipy.stats import kendalltau

import keras_enas as ke

SPACE = ke.SearchSpace([ke.Decision(name, "op", tuple("vwxyz")) for name in "abcdef"])
OTHER = ke.SearchSpace([ke.Decision("a", "op", ("x", "y"))])


def drawn(n):
    """Random architectures, and what they are worth: by candidate, and for two that go together."""
    rng = np.random.default_rng(0)
    rows = SPACE.random(n, rng)
    worth = rng.normal(size=(6, 5))[np.arange(6), rows].sum(1)
    worth += 3.0 * ((rows[:, 0] == rows[:, 1]) & (rows[:, 0] < 2))
    return [SPACE.architecture(row) for row in rows], worth


def tau(a, b):
    return kendalltau(a, b).statistic


def test_noise_is_taken_out():
    architectures, worth = drawn(400)
    noisy = worth + np.random.default_rng(1).normal(scale=3.0, size=400)
    smooth = ke.smoothed(architectures, noisy)
    assert tau(noisy, worth) < 0.5
    assert tau(smooth, worth) > tau(noisy, worth) + 0.15
    # The pairs are not lost.
    paired = np.array([a.indices[0] == a.indices[1] < 2 for a in architectures])
    single = worth - 3.0 * paired
    assert tau(smooth[paired], worth[paired]) > 0.5
    assert np.mean(smooth[paired]) - np.mean(smooth[~paired]) > 0.1
    assert tau(smooth, worth) > tau(smooth, single)


def test_where_there_is_no_noise_ranks_stay():
    architectures, worth = drawn(400)
    smooth = ke.smoothed(architectures, worth)
    assert smooth.shape == (400,) and tau(smooth, worth) > 0.9
    assert tau(ke.smoothed(architectures, -worth), worth) < -0.9
    assert -0.2 < smooth.min() < 0.2 and 0.8 < smooth.max() < 1.2


def test_only_ranks_count():
    architectures, worth = drawn(60)
    worth[0] = worth.min() - 1.0
    expected = ke.smoothed(architectures, worth)
    np.testing.assert_array_equal(ke.smoothed(architectures, np.exp(worth)), expected)
    lowest = worth.copy()
    lowest[0] = -np.inf
    np.testing.assert_array_equal(ke.smoothed(architectures, lowest), expected)
    for value in (np.nan, np.inf):
        lowest[0] = value
        np.testing.assert_array_equal(ke.smoothed(architectures, lowest), expected)


def test_of_few_ranks_come_back_closer_together():
    architectures, worth = drawn(8)
    smooth = ke.smoothed(architectures, worth)
    assert np.argsort(smooth).tolist() == np.argsort(worth).tolist()
    assert 0.3 < np.ptp(smooth) < 0.8 and np.mean(smooth) == pytest.approx(4.5 / 8, abs=0.05)
    np.testing.assert_allclose(ke.smoothed(architectures[:1], [5.0]), [1.0])
    # What is equal stays equal.
    np.testing.assert_allclose(ke.smoothed(architectures[:2], [3.0, 3.0]), 0.75)


@pytest.mark.parametrize(
    ("architectures", "values", "message"),
    [
        ([], [], "at least one `Architecture`"),
        (SPACE.architecture([0] * 6), [1.0], "`architectures` must be a list"),
        ([SPACE.architecture([0] * 6)], [None], "`values` must be a sequence of floats"),
        ([SPACE.architecture([0] * 6)], 1.0, "`values` must be a sequence of floats"),
        (SPACE.random(3, np.random.default_rng(0)), [1.0] * 3, "`architectures` must be"),
        ([OTHER.architecture([0]), SPACE.architecture([0] * 6)], [1.0, 2.0], "of one space"),
        ([OTHER.architecture([0])], [1.0, 2.0], "one for each of 1 architectures. Received: 2"),
    ],
)
def test_bad_input(architectures, values, message):
    with pytest.raises(ValueError, match=message):
        ke.smoothed(architectures, values)
