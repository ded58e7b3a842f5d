"""The learning rate against values worked out by hand."""

import math
import warnings

import pytest

from keras_enas.training.schedule import cosine_restarts, cycle_ends, warn_of_a_cut_cycle

STEPS = 391


def at(epoch):
    """The paper's rate at an epoch."""
    return float(cosine_restarts(0.05, 0.001, 10, 2, STEPS)(round(epoch * STEPS)))


@pytest.mark.parametrize("restart", [0, 10, 30, 70, 150, 310])
def test_every_cycle_begins_at_the_maximum(restart):
    assert at(restart) == pytest.approx(0.05, abs=1e-7)


@pytest.mark.parametrize("end", [10, 30, 70, 150, 310, 630])
def test_every_cycle_ends_at_the_minimum(end):
    # The last step of the cycle, up to what one step of the cosine makes.
    assert at(end - 1 / STEPS) == pytest.approx(0.001, abs=1e-6)


@pytest.mark.parametrize(
    "epoch, share",
    [
        (5, 0.5),  # the middle of the first cycle
        (2.5, (1 + math.sqrt(0.5)) / 2),
        (20, 0.5),  # the middle of the second, which lasts 20
        (25, (1 - math.sqrt(0.5)) / 2),
        (110, 0.5),
        (470, 0.5),
        (630 - 320 / 3, 0.25),  # two thirds of the sixth
    ],
)
def test_within_a_cycle_it_is_a_cosine(epoch, share):
    # Half a step of rounding at the steepest place.
    assert at(epoch) == pytest.approx(0.001 + 0.049 * share, abs=1e-5)


def test_the_ends_of_the_cycles():
    assert cycle_ends(10, 2, 630) == [10, 30, 70, 150, 310, 630]
    assert cycle_ends(10, 2, 11) == [10, 30]
    assert cycle_ends(3, 1, 8) == [3, 6, 9]
    assert cycle_ends(10, 2, 1) == [10]


@pytest.mark.parametrize("epochs", [10, 30, 70, 150, 310, 630])
def test_the_ends_are_no_reason_to_warn(epochs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_a_cut_cycle(epochs, 10, 2)


@pytest.mark.parametrize(
    "epochs, nearest", [(5, "10"), (11, "10 or 30"), (200, "150 or 310"), (629, "310 or 630")]
)
def test_other_numbers_of_epochs_warn_and_name_the_nearest(epochs, nearest):
    with pytest.warns(UserWarning, match=f"epochs={epochs} .* end a cycle: {nearest}\\."):
        warn_of_a_cut_cycle(epochs, 10, 2)
