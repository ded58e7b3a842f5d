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
    lowest[0] = np.nan
    np.testing.assert_array_equal(ke.smoothed(architectures, lowest), expected)


def test_of_few_it_says_little():
    architectures, _ = drawn(2)
    np.testing.assert_allclose(ke.smoothed(architectures, [1.0, 2.0]), 0.75, atol=0.25)
    np.testing.assert_allclose(ke.smoothed(architectures[:1], [5.0]), [1.0])
    # What is equal stays equal.
    np.testing.assert_allclose(ke.smoothed(architectures, [3.0, 3.0]), 0.75)


@pytest.mark.parametrize(
    ("architectures", "values", "message"),
    [
        ([], [], "0 values, 0 architectures"),
        (SPACE.random(3, np.random.default_rng(0)), [1.0] * 3, "`architectures` must be"),
        ([OTHER.architecture([0]), SPACE.architecture([0] * 6)], [1.0, 2.0], "of one space"),
        ([OTHER.architecture([0])], [1.0, 2.0], "2 values, 1 architectures"),
    ],
)
def test_bad_input(architectures, values, message):
    with pytest.raises(ValueError, match=message):
        ke.smoothed(architectures, values)
