"""Which architectures are worth a training of their own, seen from those that had one."""

import numpy as np

from keras_enas.tuner.neighbourhood import mutants
from keras_enas.tuner.pool import TRIES, mean_ranks
from keras_enas.tuner.regression import Regression

# How many deviations of what is not known are added to a prediction.
OPTIMISM = 1.0
# What a shared-weight score counts beside a prediction and a prior: it had its say in what was
# sampled. (With 1.0 a mistake of the shared weights can outvote what trainings say.)
SCORE_WEIGHT = 0.5
# Of how many of the best neighbours are tried.
PARENTS = 8


class ByPromise:
    """Proposes the most promising of a pool, one batch after the other.

    Args:
        pool: A `Pool`, or what has its `promise`.
    """

    def __init__(self, pool):
        self._pool = pool

    def propose(self, earned, n):
        """Returns places in the pool of up to `n` that were not trained; see `Surrogate`."""
        return _best_first(self._pool.promise())[len(earned) :][:n]

    def worth(self, earned):
        """What those that were trained are worth: what each earned; see `Surrogate`."""
        return list(earned.values())


class Surrogate:
    """Proposes architectures by a regression of what trained ones earned.

    See `Regression`. Architectures are proposed by the weighted mean of their ranks by an
    optimistic prediction (an upper confidence bound), by shared-weight score and by the
    prior, if there is one: a short training sees some of what matters, and the others see
    something else.

    It begins with the most promising architectures, and with mutants of the first of
    them that have every candidate of each decision between them, as far as `mutants`
    suffice and may be derived: what the shared weights are wrong about is not among
    what they sample. After that what there is to choose from grows by what is around the
    best (`Pool.around`), as in a local search (White et al. 2020, "Exploring the loss
    landscape in neural architecture search", arXiv 2005.02960). Predictors of this kind are
    the usual companion of short trainings (White et al. 2021, "BANANAS: Bayesian optimization
    with neural architectures for neural architecture search", arXiv 1910.11858, and "How
    powerful are performance predictors in neural architecture search?", arXiv 2104.01177).

    Args:
        space: The `SearchSpace`.
        pool: What to choose from: a `Pool`, or what has its `indices`, `columns`,
            `promise`, `around` and `add`.
        mutants: Integer, how many to begin with.
        seed: Integer.
    """

    def __init__(self, space, pool, mutants, seed):
        self._space = space
        self._pool = pool
        self._mutants = mutants
        self._seed = seed
        self._first = None
        # What was handed to the pool; some of it may not be derived and has not joined.
        self._tried = set(pool.indices)

    def propose(self, earned, n):
        """Returns up to `n` that were not trained yet.

        Args:
            earned: Dict from place in the pool to the reward of its training.
            n: Integer.

        Returns:
            List of places in the pool.
        """
        if self._first is None:
            self._first = self._to_begin_with(n)
        left = [i for i in self._first if i not in earned]
        if left:
            return left[:n]
        regression = self._fitted(earned)
        # Four for each that is asked for: to score one costs a small part of a training.
        self._grow(self._neighbours(earned, regression), 4 * n, regression)
        promise = regression.optimistic(self._pool.indices, OPTIMISM)
        worth = with_ranks(promise, self._pool.columns)
        return [i for i in _best_first(worth) if i not in earned][:n]

    def worth(self, earned):
        """What those that were trained are worth, some of the noise taken out of what they earned.

        Args:
            earned: Dict from place in the pool to the reward of its training.

        Returns:
            Floats `(n,)`, in the same order: what the regression makes of these rewards.
        """
        return self._predictions(earned, self._fitted(earned))

    def _to_begin_with(self, n):
        best = _best_first(self._pool.promise())[: -(-n // 2)]
        rng = np.random.default_rng((self._seed, 0x70726F70))
        first = self._pool.indices[best[0]]
        places = self._add(mutants(self._space, first, self._mutants, rng))
        # What may not be derived has not joined.
        return list(dict.fromkeys([*best, *(i for i in places if i is not None)]))

    def _add(self, architectures):
        self._tried.update(architectures)
        return self._pool.add(architectures)

    def _grow(self, around, n, regression):
        """Has `n` of some architectures join the pool, if so many may: the best predicted."""
        if not around:
            return
        # What is looked at is bounded, since its cost may have to be measured.
        order = _best_first(regression.optimistic(around, OPTIMISM))[: TRIES * n]
        before = len(self._pool.indices)
        for start in range(0, len(order), n):
            if len(self._pool.indices) - before >= n:
                break
            self._add([around[i] for i in order[start : start + n]])

    def _predictions(self, earned, regression):
        return regression.mean([self._pool.indices[i] for i in earned])

    def _neighbours(self, earned, regression):
        """Those around one of the best that were not tried."""
        places = list(earned)
        known = [self._pool.columns[i] for i in places]
        ranked = _best_first(with_ranks(self._predictions(earned, regression), known))
        best = [places[i] for i in ranked[:PARENTS]]
        around = (one for i in best for one in self._pool.around(self._pool.indices[i]))
        return [one for one in dict.fromkeys(around) if one not in self._tried]

    def _fitted(self, earned):
        """The `Regression` of what trained ones earned."""
        rewards = np.array(list(earned.values()), float)
        finite = np.isfinite(rewards)
        # One that is not finite is as bad as the worst of the others.
        rewards[~finite] = rewards[finite].min() if finite.any() else 0.0
        # How bad the bad ones are says little about differences among the good ones.
        rewards = np.maximum(rewards, np.quantile(rewards, 0.1))
        trained = [self._pool.indices[i] for i in earned]
        return Regression(self._space.num_candidates, trained, rewards)


def with_ranks(predicted, columns):
    """The weighted means of ranks by what is predicted and by what else is known.

    Args:
        predicted: `n` floats.
        columns: The `n` lists of a pool: score, and prior if there is one.
    """
    known = [[one, *column] for one, column in zip(predicted, columns, strict=True)]
    return mean_ranks(known, (1.0, SCORE_WEIGHT, 1.0)[: len(known[0])])


def _best_first(worth):
    return np.argsort(-np.asarray(worth), kind="stable").tolist()
