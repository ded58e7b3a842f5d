"""The architectures that may get a training of their own."""

import types

import numpy as np
import pytest

from keras_enas.search_space import Decision, SearchSpace
from keras_enas.tuner import pool as pools
from keras_enas.tuner.neighbourhood import neighbours
from keras_enas.tuner.pool import Pool, mean_ranks
from keras_enas.tuner.results import FoundArchitecture
from keras_enas.tuner.round import Score

SPACE = SearchSpace([Decision(name, "op", ("x", "y", "z")) for name in "abcd"])


@pytest.fixture
def make_pool(monkeypatch):
    """Returns a function that makes a pool whose scores are how many "y" there are."""

    def make(architectures, cost=None, tolerance=0.5, simplest=tuple):
        minded, cost = cost is not None, cost or (lambda indices: 0.0)

        def derive(judge, validation, architectures):
            return [(one, Score(0.0, 0.0, one.count(1) - cost(one))) for one in architectures]

        monkeypatch.setattr(pools.rounds, "derive", derive)
        resources = types.SimpleNamespace(
            accepts=lambda indices, tolerance: cost(indices) <= tolerance,
            penalty=lambda indices: -cost(indices),
            costs=lambda architectures: [cost(one) for one in architectures],
            asked=minded,
        )
        tuner = types.SimpleNamespace(
            space=SPACE, resources=resources, judge=None, simplest=simplest
        )
        found = [
            FoundArchitecture(
                SPACE.architecture(one), Score(0.0, 0.0, one.count(1) - cost(one)), cost=cost(one)
            )
            for one in architectures
        ]
        return Pool(tuner, None, found, tolerance=tolerance)

    return make


def test_mean_ranks():
    ranks = mean_ranks([[3.0, 1.0], [2.0, 5.0], [1.0, 2.0], [float("nan"), 0.0]])
    assert ranks.tolist() == [-1.0, -0.5, -1.5, -3.0]
    # Equals share their ranks.
    assert mean_ranks([[1.0], [2.0], [1.0]]).tolist() == [-1.5, 0.0, -1.5]


def test_it_holds_simplest_forms_and_each_once(make_pool):
    """Here the last decision comes to nothing behind an "x"."""

    def simplest(indices):
        return indices if indices[2] else (*indices[:3], 0)

    pool = make_pool([(0, 0, 0, 0), (2, 2, 2, 2)], simplest=simplest)
    places = pool.add([(1, 1, 0, 2), (0, 0, 0, 1), (1, 1, 0, 1), (1, 1, 1, 1)])
    assert places == [2, 0, 2, 3]
    assert pool.indices == [(0, 0, 0, 0), (2, 2, 2, 2), (1, 1, 0, 0), (1, 1, 1, 1)]
    pool.climb(20)
    assert len(set(pool.indices)) == len(pool.indices) == 24
    assert [simplest(one) for one in pool.indices] == pool.indices


def test_it_climbs(make_pool):
    pool = make_pool([(0, 0, 0, 0), (2, 2, 2, 2)])
    pool.climb(60)
    assert (1, 1, 1, 1) in pool.indices
    assert len(pool.indices) == len(set(pool.indices)) <= 62
    assert [one.architecture.indices for one in pool.found] == pool.indices
    assert [column[0] for column in pool.columns] == [one.count(1) for one in pool.indices]


def test_it_ends_where_no_neighbour_is_better(make_pool):
    pool = make_pool([(0, 0, 0, 0), (2, 2, 2, 2)])
    pool.climb(1000)
    assert set(neighbours(SPACE, (1, 1, 1, 1))) < set(pool.indices)
    before = len(pool.indices)
    pool.climb(1000)
    assert len(pool.indices) == before <= 81


def test_it_adds_so_many(make_pool):
    pool = make_pool([(0, 0, 0, 0), (2, 2, 2, 2)])
    pool.climb(0)
    assert len(pool.indices) == 2
    pool.climb(5)
    assert len(pool.indices) == 7


def test_what_may_not_be_derived_does_not_join_and_the_cost_does_not_count(make_pool):
    pool = make_pool([(1, 0, 0, 0), (0, 0, 0, 0)], cost=lambda one: 0.4 * one.count(1))
    assert pool.rewards().tolist() == [1.0, 0.0]
    pool.climb(100)
    assert max(one.count(1) for one in pool.indices) == 1 and len(pool.indices) > 10
    assert np.argmax(pool.promise()) == 0


def test_what_may_not_be_derived_is_passed_over(make_pool, monkeypatch):
    """What joins is counted, and what is looked at is bounded: its cost may have to be measured."""

    def cost(indices):
        # Of eight neighbours that differ in one decision, two may be derived.
        return float(0 not in indices[:2] or 2 in indices)

    pool = make_pool([(0, 0, 1, 1)], cost=cost)
    pool.climb(6)
    assert len(pool.indices) == 7
    assert not any(cost(one) for one in pool.indices)
    looked = []
    monkeypatch.setattr(pools, "TRIES", 2)
    pool = make_pool([(0, 0, 1, 1)], cost=lambda one: looked.append(one) or cost(one))
    looked.clear()
    pool.climb(6)
    assert len(set(looked)) == 12
    assert 1 < len(pool.indices) < 7


def test_what_costs_alike_is_reached(make_pool):
    """Where another number of "x" costs too much, they change places."""

    def cost(indices):
        return float(indices.count(0) != 2)

    pool = make_pool([(0, 0, 2, 2)], cost=cost)
    pool.climb(100)
    # Wherever the two may stand.
    assert len({tuple(i for i, x in enumerate(one) if x == 0) for one in pool.indices}) == 6
    # Without a cost an architecture has its neighbours alone.
    assert list(make_pool([(0, 0, 2, 2)]).around((0, 1, 1, 1))) == list(
        neighbours(SPACE, (0, 1, 1, 1))
    )
