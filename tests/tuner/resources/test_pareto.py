"""What no other beats."""

import numpy as np
import pytest

from keras_enas.tuner.resources.pareto import front


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], []),
        ([(0.5, 3)], [0]),
        # Quality, cost.
        ([(0.9, 10), (0.8, 5), (0.7, 7), (0.95, 10), (0.1, 1)], [4, 1, 3]),
        # As good and dearer, or as dear and worse, is beaten.
        ([(0.8, 5), (0.8, 6), (0.7, 5)], [0]),
        # The same in both beats nothing.
        ([(0.8, 5), (0.8, 5)], [0, 1]),
    ],
)
def test_hand_made_points(points, expected):
    assert front([q for q, _ in points], [c for _, c in points]) == expected


def test_as_by_definition():
    rng = np.random.default_rng(0)
    q, c = rng.integers(0, 12, size=(2, 60))
    beaten = [
        any(q[j] >= q[i] and c[j] <= c[i] and (q[j] > q[i] or c[j] < c[i]) for j in range(60))
        for i in range(60)
    ]
    found = front(list(q), list(c))
    assert sorted(found) == [i for i in range(60) if not beaten[i]]
    assert sorted(c[found]) == list(c[found])
