"""Which architectures are worth a training of their own, seen from those that had one."""

import warnings

import numpy as np
from scipy.stats import kendalltau

from keras_enas.oracles.progressive import indicators
from keras_enas.tuner.pool import neighbours, with_ranks

# What all decisions together weigh beside one column of scores.
DECISIONS = 6.0
# The share of the pool, by promise, that is proposed first.
PROMISING = 1 / 3


class Surrogate:
    """Proposes architectures by a regression of what trained ones earned.

    The regression is a Gaussian process (`scikit-learn`) on the decisions, one of
    n. Its kernel is a square of inner products, so pairs of decisions count, too. The
    architectures to choose from grow by neighbours of the best, which differ in
    one decision, as a local search does. Predictors of this kind are the usual
    companion of short trainings (White et al. 2021, "BANANAS: Bayesian optimization
    with neural architectures for neural architecture search", and "How powerful are
    performance predictors in neural architecture search?").

    What is known of an architecture without training it, its shared-weight score
    and the prior, if there is one, is used in one of two ways:

    * With a prior, candidates are ranked by the mean of their ranks by what the
      regression predicts, by score and by prior: a short training sees some of what
      matters, and the other two see something else.
    * Without, the score is one more thing for the regression to learn from, and
      candidates are proposed by the prediction plus a draw of its uncertainty, so that
      what is not known is tried too. As long as what promises more also earns more,
      the most promising third of the pool comes first.

    Args:
        space: The `SearchSpace`.
        pool: What to choose from: a `Pool`, or what has its `indices`, `columns`,
            `promise` and `add`.
        seed: Integer.
        prior: Boolean, whether the pool's columns hold a prior.
        parents: Integer, of how many of the best neighbours are tried.
    """

    def __init__(self, space, pool, seed, prior=False, parents=8):
        self._space = space
        self._pool = pool
        self._seed = seed
        self._prior = prior
        self._parents = parents
        columns = _lowest_for_infinite(pool.columns)
        deviation = columns.std(0)
        # Those that join the pool later are measured by those that were there.
        self._mean, self._scale = columns.mean(0), np.where(deviation > 0, deviation, 1.0)

    def propose(self, earned, n):
        """Returns `n` that were not trained yet.

        Args:
            earned: Dict from place in the pool to the reward of its training.
            n: Integer.

        Returns:
            List of places in the pool. At first one half is the most promising, and the
            other is drawn at random, so that there is a difference to learn from.
        """
        rng = np.random.default_rng((self._seed, len(earned), 0x70726F70))
        if earned:
            # Four for each that is asked for: to score one costs a small part of a training.
            self._pool.add(self._neighbours(earned, 4 * n, rng))
            order = self._best_first(earned, rng)
            return [int(i) for i in order if int(i) not in earned][:n]
        order = np.argsort(-self._pool.promise(), kind="stable")
        best = order[: -(-n // 2)]
        others = rng.permutation(order[len(best) :])[: n - len(best)]
        return [int(i) for i in (*best, *others)]

    def _best_first(self, earned, rng):
        """All places in the pool, those that are worth a training first."""
        mean, deviation = self._predict(earned)
        if self._prior:
            worth = with_ranks(mean, self._pool.columns)
            return np.argsort(-worth, kind="stable")
        drawn = mean + deviation * rng.normal(size=len(mean))
        return np.lexsort((-drawn, self._of_little_promise(earned)))

    def _of_little_promise(self, earned):
        """Booleans `(n,)`, which ones come last: few trainings do not outweigh all scores.

        Unless they say that what promises more does not earn more.
        """
        promise = self._pool.promise()
        agreement = kendalltau(promise[list(earned)], _finite(earned)).statistic
        if not agreement > 0:
            return np.zeros(len(promise), bool)
        return promise < np.quantile(promise, 1.0 - PROMISING)

    def _neighbours(self, earned, n, rng):
        """At most `n` architectures that differ from one of the best in one decision."""
        places, worth = list(earned), _finite(earned)
        if self._prior:
            worth = with_ranks(worth, [self._pool.columns[i] for i in places])
        best = np.array(places)[np.argsort(-worth, kind="stable")][: self._parents]
        known = set(self._pool.indices)
        found = {}
        for parent in best:
            for one in neighbours(self._space, self._pool.indices[parent]):
                if one not in known:
                    found[one] = None
        found = list(found)
        return [found[i] for i in sorted(rng.permutation(len(found))[:n])]

    def _predict(self, earned):
        # scikit-learn takes a second to import.
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor, kernels

        features, rewards = self._features(), _finite(earned)
        # How bad the bad ones are says little about differences among the good ones.
        rewards = np.maximum(rewards, np.quantile(rewards, 0.1))
        if not rewards.std() > 0:
            return np.zeros(len(features)), np.ones(len(features))
        rewards = (rewards - rewards.mean()) / rewards.std()
        kernel = kernels.ConstantKernel(0.05, (1e-5, 10.0)) * kernels.DotProduct(
            1.0, (1e-2, 1e2)
        ) ** 2 + kernels.WhiteKernel(0.3, (1e-3, 10.0))
        model = GaussianProcessRegressor(kernel)
        with warnings.catch_warnings():
            # A length at its bound: there is nothing to learn yet.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(features[list(earned)], rewards)
            mean, deviation = model.predict(features, return_std=True)
        # The noise of another training is no reason to try one.
        variance = deviation**2 - model.kernel_.k2.noise_level
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def _features(self):
        decisions = np.asarray(self._pool.indices, np.int64)
        chosen = indicators(decisions, np.asarray(self._space.num_candidates))
        chosen *= np.sqrt(DECISIONS / decisions.shape[1])
        if self._prior:
            return chosen
        columns = (_lowest_for_infinite(self._pool.columns) - self._mean) / self._scale
        # The kernel is a square: of one that is far from all others it would know least of all.
        return np.concatenate([chosen, np.clip(columns, -3.0, 3.0)], 1)


def _finite(earned):
    """The rewards as an array; one that is not finite is as bad as the worst of the others."""
    return _lowest_for_infinite([[reward] for reward in earned.values()])[:, 0]


def _lowest_for_infinite(columns):
    """An array of columns, in which the lowest stands for what is not finite."""
    columns = np.array(columns, float)
    finite = np.isfinite(columns)
    lowest = np.where(finite, columns, np.inf).min(0)
    return np.where(finite, columns, np.where(np.isfinite(lowest), lowest, 0.0))
