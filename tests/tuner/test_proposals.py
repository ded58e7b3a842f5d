"""What a surrogate finds worth a training."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from keras_enas.search_space import Decision, SearchSpace
from keras_enas.tuner.neighbourhood import neighbours, swaps
from keras_enas.tuner.proposals import Surrogate, with_ranks

SPACE = SearchSpace([Decision(name, "op", ("x", "y", "z")) for name in "abcd"])
POOL = [(i, j, k, m) for i in range(3) for j in range(3) for k in range(3) for m in range(3)]


class FakePool:
    """Scores are looked up for what joins it."""

    def __init__(self, scores, n=81):
        self._scores = dict(zip(POOL, np.asarray(scores, float), strict=True))
        self.indices = POOL[:n]
        self.columns = [[self._scores[one]] for one in self.indices]
        self.added = []

    def promise(self):
        return np.array(self.columns)[:, 0]

    def accepts(self, architecture):
        return True

    def around(self, architecture):
        return neighbours(SPACE, architecture)

    def add(self, architectures):
        new = [one for one in architectures if one not in self.indices and self.accepts(one)]
        self.added.append(len(new))
        self.indices = [*self.indices, *new]
        self.columns += [[self._scores[one]] for one in new]
        return [self.indices.index(one) if self.accepts(one) else None for one in architectures]


# Each "y" is worth 1, whatever the scores say.
WORTH = np.array([one.count(1) for one in POOL], float)


def test_first_the_best_scores_and_mutants_of_the_best():
    """Every candidate of each decision is tried."""
    scores, tried = np.arange(81.0), {}
    for seed in (0, 0, 1):
        surrogate = Surrogate(SPACE, FakePool(scores, 81), 8, seed)
        proposed = surrogate.propose({}, 5)
        assert proposed[:3] == [80, 79, 78]
        for _ in range(2):
            proposed += surrogate.propose(dict.fromkeys(proposed, 0.0), 5)
        assert len(set(proposed[:11])) == 11
        proposed = proposed[:11]
        for decision in range(4):
            assert {POOL[i][decision] for i in proposed} == {0, 1, 2}
        tried.setdefault(seed, proposed)
        assert tried[seed] == proposed
    assert tried[0] != tried[1]


def test_mutants_that_may_not_be_derived_are_left_out():
    class Strict(FakePool):
        def accepts(self, architecture):
            return architecture[0] != 1

    pool = Strict(np.zeros(81), 27)
    surrogate = Surrogate(SPACE, pool, 8, 0)
    proposed = surrogate.propose({}, 8)
    proposed += surrogate.propose(dict.fromkeys(proposed, 0.0), 8)
    assert {pool.indices[i][0] for i in proposed} == {0, 2}


@pytest.mark.parametrize("seed", range(3))
def test_it_learns_what_is_worth_it(seed):
    """Misleading scores: 24 of 81 trained, and the best one is among them."""
    surrogate = Surrogate(SPACE, FakePool(-WORTH), 8, seed)
    rng, earned = np.random.default_rng(seed), {}
    while len(earned) < 24:
        for i in surrogate.propose(earned, 8):
            assert i not in earned
            earned[i] = WORTH[i] + 0.3 * rng.normal()
    means = [np.mean([WORTH[i] for i in list(earned)[a : a + 8]]) for a in (0, 16)]
    assert means[1] > means[0] + 0.5
    assert max(WORTH[i] for i in earned) == 4


def test_scores_that_say_something_are_used():
    """The decisions alone cannot tell: what it is worth is in the score only."""
    worth = np.random.default_rng(0).normal(size=81)
    pool, earned = FakePool(worth), {}
    surrogate = Surrogate(SPACE, pool, 8, seed=0)
    for _ in range(2):
        earned.update({i: worth[i] for i in surrogate.propose(earned, 10)})
    later = []
    for _ in range(2):
        later += surrogate.propose(earned, 10)
        earned.update({i: worth[i] for i in later})
    # At random they would be as good as what is left.
    left = [worth[i] for i in range(81) if i not in earned]
    assert np.mean([worth[i] for i in later]) > np.mean(left) + 0.5


def test_what_failed():
    """Those with "z" in front failed: what is like them is not proposed. All failed: it goes on."""
    surrogate, earned = Surrogate(SPACE, FakePool(np.zeros(81)), 8, 0), {}
    while len(earned) < 24:
        proposed = surrogate.propose(earned, 8)
        assert proposed and not set(proposed) & set(earned)
        for i in proposed:
            earned[i] = float("nan") if POOL[i][0] == 2 else 1.0 + 0.1 * WORTH[i]
    assert not any(POOL[i][0] == 2 for i in surrogate.propose(earned, 8))
    assert len(surrogate.propose(dict.fromkeys(earned, float("nan")), 5)) == 5


@pytest.mark.parametrize("seed", range(3))
def test_neighbours_of_the_best_join(seed):
    """The pool has the 27 without a "y" or "z" in front; the best one has four of them."""
    pool = FakePool(np.zeros(81), 27)
    surrogate, earned = Surrogate(SPACE, pool, 8, seed), {}
    for _ in range(4):
        for i in surrogate.propose(earned, 8):
            assert i not in earned
            earned[i] = WORTH[POOL.index(pool.indices[i])]
    assert max(earned.values()) == 4
    assert 0 < max(pool.added) <= 32
    assert len(set(pool.indices)) == len(pool.indices)


@pytest.mark.parametrize("seed", range(3))
def test_a_score_far_from_all_others_is_no_reason_to_try_it(seed):
    """What is broken has a score that is far below, as one by its loss may have."""
    broken = np.array([one[0] == 2 for one in POOL])
    rng = np.random.default_rng(seed)
    scores = np.where(broken, -6.0, -1.0) + 0.02 * rng.normal(size=81)
    worth = np.where(broken, -6.0, -1.0 + 0.1 * WORTH)
    good = np.flatnonzero(~broken)[:30]
    pool = FakePool(scores)
    # At first only two broken ones are in the pool.
    pool.indices = [POOL[i] for i in (*good, *np.flatnonzero(broken)[:2])]
    pool.columns = [[scores[POOL.index(one)]] for one in pool.indices]
    surrogate, earned = Surrogate(SPACE, pool, 8, seed), {}
    for _ in range(3):
        for i in surrogate.propose(earned, 8):
            earned[i] = worth[POOL.index(pool.indices[i])]
    tried = [pool.indices[i] for i in list(earned)[8:]]
    assert sum(one[0] == 2 for one in tried) <= 2


def test_a_score_counts_half_beside_a_prediction_and_a_prior():
    worth = with_ranks([0.1, 0.2, 0.3], [[3.0, 1.0], [2.0, 3.0], [1.0, 2.0]])
    np.testing.assert_allclose(-worth * 2.5, [2 + 0.5 * 0 + 2, 1 + 0.5 * 1 + 0, 0 + 0.5 * 2 + 1])
    # Without a prior.
    np.testing.assert_allclose(-with_ranks([0.1, 0.2], [[3.0], [2.0]]) * 1.5, [1, 0.5])


def test_with_a_prior_ranks_of_prediction_score_and_prior_decide():
    """The prior knows the first two decisions, the trainings the others, and the scores nothing.

    Neither finds the best one alone.
    """
    pool = FakePool(np.zeros(81))
    priors = {one: one[:2].count(1) for one in POOL}
    add, earned = pool.add, {}

    def add_with_prior(architectures):
        places = add(architectures)
        pool.columns = [
            [column[0], priors[one]] for column, one in zip(pool.columns, pool.indices, strict=True)
        ]
        return places

    pool.add = add_with_prior
    pool.add([])
    surrogate = Surrogate(SPACE, pool, 8, seed=0)
    while len(earned) < 24:
        for i in surrogate.propose(earned, 8):
            earned[i] = POOL[i][2:].count(1) - 0.5 * POOL[i][:2].count(1)
    tried = [POOL[i] for i in earned]
    assert (1, 1, 1, 1) in tried
    # Against 4 / 3 at random; without the prior those with a "y" in front are avoided.
    assert np.mean([one.count(1) for one in tried[8:]]) > 2.3


def test_neighbours_that_may_not_be_derived_do_not_block_others():
    """What is predicted best may not join: those after it do, batch by batch."""

    class Strict(FakePool):
        def accepts(self, architecture):
            return architecture.count(1) <= 2

    pool = Strict(np.zeros(81), 9)
    surrogate, earned = Surrogate(SPACE, pool, 2, 0), {}
    for _ in range(30):
        for i in surrogate.propose(earned, 1):
            earned[i] = WORTH[POOL.index(pool.indices[i])]
    assert len(earned) == 30


def test_what_no_trained_one_has_is_tried():
    """Of the first decision "x" earns more than "y", and nobody knows of "z"."""
    trained = [i for i in range(81) if POOL[i][0] != 2][::2]
    earned = {i: 0.5 * (POOL[i][0] == 0) + 0.1 * WORTH[i] for i in trained}
    # These are what it begins with.
    pool = FakePool(np.isin(np.arange(81), trained[:4]) * 0.001)
    proposed = Surrogate(SPACE, pool, 0, seed=0).propose(earned, 8)
    assert (2, 1, 1, 1) in [POOL[i] for i in proposed]


def test_noise_is_taken_out_of_what_was_earned():
    noise = np.random.default_rng(0).normal(size=81)
    earned = {i: WORTH[i] + noise[i] for i in range(81)}
    worth = Surrogate(SPACE, FakePool(np.zeros(81)), 8, seed=0).worth(earned)
    raw = kendalltau(list(earned.values()), WORTH).statistic
    assert kendalltau(worth, WORTH).statistic > raw + 0.1


def test_it_grows_by_what_the_pool_says_is_around():
    """Where no neighbour may be derived, too."""

    class Exchanges(FakePool):
        def accepts(self, architecture):
            return architecture.count(1) == 2

        def around(self, architecture):
            return swaps(SPACE, architecture)

    pool = Exchanges(np.zeros(81), 1)
    pool.indices, pool.columns = [(1, 1, 0, 0)], [[0.0]]
    surrogate, earned = Surrogate(SPACE, pool, 0, 0), {}
    for _ in range(3):
        earned |= dict.fromkeys(surrogate.propose(earned, 2), 1.0)
    assert len(pool.indices) == 6 and {sum(one) for one in pool.indices} == {2}


def test_what_is_looked_at_is_bounded(monkeypatch):
    """The cost of an architecture may have to be measured."""
    monkeypatch.setattr("keras_enas.tuner.proposals.TRIES", 1)

    class Closed(FakePool):
        looked = 0

        def accepts(self, architecture):
            self.looked += 1
            return False

    pool = Closed(np.zeros(81), 10)
    surrogate = Surrogate(SPACE, pool, 0, 0)
    # There are some thirty around these.
    earned = dict.fromkeys(range(8), 1.0)
    surrogate.propose({}, 2)
    pool.looked = 0
    assert len(surrogate.propose(earned, 2)) == 2
    # Four for each that is asked for, looked at twice by this pool.
    assert 0 < pool.looked <= 2 * 8
