"""Reward, limits and tolerance against hand numbers."""

import math

import pytest

from keras_enas.rewards import absolute_penalty
from keras_enas.tuner.resources.goal import CostGoal


@pytest.mark.parametrize(
    ("cost", "expected"), [(100, 0.0), (150, -0.05), (50, -0.05), (110, -0.01), (0, -0.1)]
)
def test_the_absolute_reward(cost, expected):
    assert absolute_penalty(cost, target=100, weight=-0.1) == pytest.approx(expected, abs=1e-15)
    assert CostGoal(target=100, weight=-0.1).penalty(cost) == pytest.approx(expected, abs=1e-15)


def test_defaults_and_no_target():
    assert CostGoal(target=2.0).penalty(3.0) == pytest.approx(-0.035)
    assert CostGoal().penalty(3.0) == 0.0
    assert CostGoal().near(1e9) and CostGoal().allows(0) and not CostGoal().limited


@pytest.mark.parametrize(
    ("limit", "allowed", "refused"),
    [
        (10, (0, 10), (10.1,)),
        ((5, 10), (5, 7, 10), (4.9, 10.1)),
        ([5, None], (5, 1e9), (4.9,)),
        ((None, 10), (0, 10), (11,)),
    ],
)
def test_limits(limit, allowed, refused):
    goal = CostGoal(limit=limit)
    assert goal.limited
    assert all(goal.allows(cost) for cost in allowed)
    assert not any(goal.allows(cost) for cost in refused)


def test_near_is_within_the_tolerance_and_the_limit():
    goal = CostGoal(target=100)
    assert [goal.near(cost) for cost in (94.9, 95.1, 104.9, 105.1)] == [False, True, True, False]
    assert goal.near(80, tolerance=0.2) and goal.near(1e6, tolerance=math.inf)
    limited = CostGoal(target=100, limit=100)
    assert limited.near(96) and not limited.near(101) and not limited.near(101, math.inf)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 0}, "`cost_target` must be a number above 0"),
        ({"target": "5"}, "`cost_target` must be a number"),
        ({"target": math.inf}, "`cost_target` must be a number"),
        ({"target": True}, "`cost_target` must be a number"),
        ({"target": 5, "weight": 0.07}, "`cost_weight`.*at most 0.*pay for missing"),
        ({"target": 5, "weight": math.nan}, "`cost_weight`"),
        ({"weight": -0.1}, "`cost_weight` is of use with `cost_target` only"),
        ({"tolerance": 0.1}, "`cost_tolerance` is of use with `cost_target` only"),
        ({"target": 5, "tolerance": -0.1}, "`cost_tolerance` must be"),
        ({"limit": -1}, "`cost_limit` must be a number, or \\(low, high\\)"),
        ({"limit": (1, 2, 3)}, "`cost_limit` must be"),
        ({"limit": "small"}, "`cost_limit` must be"),
        ({"limit": (2, 1)}, "`cost_limit` allows nothing"),
        ({"target": 100, "limit": 90}, "allows nothing within 5% of `cost_target`"),
        ({"target": 100, "limit": (110, None)}, "allows nothing within 5% of `cost_target`"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        CostGoal(**arguments)
