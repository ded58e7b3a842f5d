"""Architectures that are like another one."""

import numpy as np
import pytest

from keras_enas.search_space import Decision, SearchSpace
from keras_enas.tuner import neighbourhood
from keras_enas.tuner.neighbourhood import MOST_SWAPS, mutants, neighbours, swaps

SPACE = SearchSpace([Decision(name, "op", ("x", "y", "z")) for name in "abcd"])
UNEVEN = SearchSpace(
    [Decision("a", "op", ("x", "y", "z", "w", "v")), Decision("b", "op", ("x",))]
    + [Decision(name, "op", ("x", "y")) for name in "cde"]
)


def test_neighbours():
    found = list(neighbours(SPACE, (0, 1, 2, 0)))
    assert len(found) == len(set(found)) == 8
    for one in found:
        assert sum(a != b for a, b in zip(one, (0, 1, 2, 0), strict=True)) == 1


def test_swaps():
    """Of decisions that have the same candidates, each exchange once, none that changes nothing."""
    assert swaps(SPACE, (0, 1, 2, 0)) == [
        (1, 0, 2, 0),
        (2, 1, 0, 0),
        (0, 2, 1, 0),
        (0, 0, 2, 1),
        (0, 1, 0, 2),
    ]
    assert swaps(SPACE, (1, 1, 1, 1)) == []
    assert swaps(UNEVEN, (4, 0, 0, 1, 1)) == [(4, 0, 1, 0, 1), (4, 0, 1, 1, 0)]
    mixed = SearchSpace([Decision("a", "op", ("x", "y")), Decision("b", "input", ("x", "y"))])
    assert swaps(mixed, (0, 1)) == []


def test_of_many_swaps_some_are_drawn(monkeypatch):
    """The same ones each time, as a search that goes on needs; of another architecture others."""
    space = SearchSpace([Decision(f"d{i}", "skip", ("0", "1")) for i in range(40)])
    one, other = (0, 1) * 20, (1, 0) * 20
    found = swaps(space, one)
    assert len(set(found)) == len(found) == MOST_SWAPS < 400
    assert all(sum(two) == 20 and two != one for two in found)
    assert found == swaps(space, one)
    moved = [
        {i for i in range(40) if two[i] != start[i]}
        for start in (one, other)
        for two in swaps(space, start)
    ]
    assert moved[:MOST_SWAPS] != moved[MOST_SWAPS:]
    # Not of the first decisions alone.
    assert set().union(*moved[:MOST_SWAPS]) == set(range(40))
    monkeypatch.setattr(neighbourhood, "MOST_SWAPS", 400)
    assert len(swaps(space, one)) == 400 and set(found) < set(swaps(space, one))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("space, n", [(SPACE, 3), (SPACE, 8), (SPACE, 50), (UNEVEN, 4)])
def test_mutants_have_every_candidate_between_them(space, n, seed):
    first = (1, 0, 1, 0, 1)[: len(space)]
    found = mutants(space, first, n, np.random.default_rng(seed))
    others = set(neighbours(space, first))
    assert len(found) == len(set(found)) == min(n, len(others))
    for decision, count in enumerate(space.num_candidates):
        had = {one[decision] for one in found} | {first[decision]}
        assert had == set(range(count))
    changes = [sum(a != b for a, b in zip(one, first, strict=True)) for one in found]
    assert sum(changes) == len(others) and max(changes) - min(changes) <= 1
    assert found == mutants(space, first, n, np.random.default_rng(seed))


def test_fewer_mutants_than_a_decision_has_candidates():
    found = mutants(UNEVEN, (0, 0, 0, 0, 0), 2, np.random.default_rng(0))
    assert len(found) == 2 and all(one[0] for one in found)
