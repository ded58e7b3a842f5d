"""The figures that say how well one thing ranks another."""

import math

import numpy as np
import pytest

from keras_enas.tuner.correlation import estimate, kendall_tau, precision_at, spearman

TRUE = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize(
    ("predicted", "tau", "rho"),
    [
        (TRUE, 1.0, 1.0),
        (TRUE[::-1], -1.0, -1.0),
        # One of the 15 pairs is turned: (14 - 1) / 15, and 1 - 6 * 2 / (6 * 35).
        ([2.0, 1.0, 3.0, 4.0, 5.0, 6.0], 13 / 15, 1 - 12 / 210),
        ([-math.inf, 1.0, 2.0, 3.0, 4.0, math.inf], 1.0, 1.0),
    ],
)
def test_correlations(predicted, tau, rho):
    assert kendall_tau(np.array(predicted), np.array(TRUE)) == pytest.approx(tau)
    assert spearman(np.array(predicted), np.array(TRUE)) == pytest.approx(rho)


@pytest.mark.parametrize(
    ("predicted", "k", "expected"),
    [
        (TRUE, 2, 1.0),
        (TRUE[::-1], 2, 0.0),
        ([0, 0, 0, 9, 0, 8], 2, 0.5),
        # One is certain; the other is one of five that are equal.
        ([0, 0, 0, 0, 0, 1], 2, (1 + 1 / 5) / 2),
    ],
)
def test_precision(predicted, k, expected):
    assert precision_at(k)(np.array(predicted), np.array(TRUE)) == pytest.approx(expected)


def test_the_interval_holds_the_value_and_narrows_with_more_pairs(monkeypatch):
    monkeypatch.setattr("keras_enas.tuner.correlation.RESAMPLES", 200)
    rng = np.random.default_rng(0)
    widths = []
    for n in (8, 80):
        true = rng.normal(size=n)
        found = estimate(kendall_tau, true + 0.5 * rng.normal(size=n), true)
        assert found.low < found.value < found.high
        widths.append(found.high - found.low)
    assert widths[1] < 0.5 * widths[0]


@pytest.mark.parametrize("statistic", [kendall_tau, spearman, precision_at(1)])
@pytest.mark.parametrize(
    ("predicted", "true"),
    [([], []), ([1], [1]), ([1, 2], [1, 2]), ([1, 1, 1, 1], [1, 2, 3, 4]), ([1, 2, 3], [5, 5, 5])],
)
def test_what_is_not_defined_is_nan(statistic, predicted, true):
    found = estimate(statistic, predicted, true)
    assert all(math.isnan(value) for value in (found.value, found.low, found.high))
    assert str(found) == "-"


def test_few_pairs_have_an_interval_although_some_samples_have_no_value(monkeypatch):
    monkeypatch.setattr("keras_enas.tuner.correlation.RESAMPLES", 200)
    found = estimate(kendall_tau, [1, 2, 3], [1, 3, 2], seed=0)
    assert found.value == pytest.approx(1 / 3)
    assert -1 <= found.low < found.high <= 1
    assert found == estimate(kendall_tau, [1, 2, 3], [1, 3, 2], seed=0)
