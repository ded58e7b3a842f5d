"""An architecture that no trial has had."""

import numpy as np

from keras_enas.oracles import untried as module
from keras_enas.oracles.untried import untried
from keras_enas.search_space import Decision, SearchSpace

SPACE = SearchSpace(Decision(f"op_{i}", "op", ("x", "y", "z")) for i in range(5))


def find(draw, tried, space=SPACE, seed=0):
    return untried(space, draw, tried, np.random.default_rng(seed))


def test_what_is_new_is_taken_as_it_is():
    found = find(lambda: np.array([1, 2, 0, 1, 2]), {(0, 0, 0, 0, 0)})
    np.testing.assert_array_equal(found, [1, 2, 0, 1, 2])


def test_it_draws_again():
    draws = iter([[0] * 5, [0] * 5, [1] * 5])
    found = find(lambda: np.array(next(draws)), {(0, 0, 0, 0, 0)})
    np.testing.assert_array_equal(found, [1] * 5)


def test_who_always_draws_the_same_gets_a_neighbour():
    calls = []

    def draw():
        calls.append(1)
        return np.zeros(5, np.int32)

    found = find(draw, {(0, 0, 0, 0, 0)})
    assert len(calls) == 1 + module.MAX_COLLISIONS
    assert (found != 0).sum() == 1


def test_the_last_one_is_found_and_then_there_is_none(monkeypatch):
    every = {tuple(map(int, index)) for index in np.ndindex(3, 3, 3, 3, 3)}
    last = (2, 0, 1, 2, 2)
    monkeypatch.setattr(module, "MAX_STEPS", 3)
    found = find(lambda: np.zeros(5, np.int32), every - {last})
    assert tuple(found.tolist()) == last
    assert find(lambda: np.zeros(5, np.int32), every) is None


def test_in_a_huge_space_it_is_quick(monkeypatch, macro_space):
    monkeypatch.setattr(module, "MAX_STEPS", 0)
    space = macro_space(12)
    same = tuple([0] * len(space))
    found = find(lambda: np.array(same, np.int32), {same}, space)
    assert tuple(found.tolist()) != same
