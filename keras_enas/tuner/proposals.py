"""Which architectures are worth a training of their own, seen from those that had one."""

import warnings

import numpy as np

from keras_enas.oracles.progressive import indicators
from keras_enas.tuner.pool import neighbours, with_ranks

# How many deviations of what is not known are added to a prediction.
OPTIMISM = 2.0


class Surrogate:
    """Proposes architectures by a regression of what trained ones earned.

    The regression is a Gaussian process (`scikit-learn`) on the decisions, one of
    n. Its kernel is a square of inner products, so pairs of decisions count, too. Its
    prediction is an optimistic one, an upper confidence bound: candidates of a
    decision which no trained architecture has are tried. Architectures are
    proposed by the weighted mean of their ranks by this prediction, by
    shared-weight score and by the prior, if there is one: a short training sees
    some of what matters, and the others see something else.

    What there is to choose from grows by neighbours of the best, which differ in one
    decision, as in a local search (White et al. 2020, "Exploring the loss
    landscape in neural architecture search"). Predictors of this kind are the usual
    companion of short trainings (White et al. 2021, "BANANAS: Bayesian optimization
    with neural architectures for neural architecture search", and "How powerful are
    performance predictors in neural architecture search?").

    Args:
        space: The `SearchSpace`.
        pool: What to choose from: a `Pool`, or what has its `indices`, `columns`,
            `promise` and `add`.
        seed: Integer.
        parents: Integer, of how many of the best neighbours are tried.
    """

    def __init__(self, space, pool, seed, parents=8):
        self._space = space
        self._pool = pool
        self._seed = seed
        self._parents = parents

    def propose(self, earned, n):
        """Returns `n` that were not trained yet.

        Args:
            earned: Dict from place in the pool to the reward of its training.
            n: Integer.

        Returns:
            List of places in the pool. At first one half is the most promising, and the
            other is drawn at random, so that there is a difference to learn from.
        """
        if not earned:
            order = np.argsort(-self._pool.promise(), kind="stable")
            best = order[: -(-n // 2)]
            rng = np.random.default_rng((self._seed, 0x70726F70))
            others = rng.permutation(order[len(best) :])[: n - len(best)]
            return [int(i) for i in (*best, *others)]
        predict = self._fitted(earned)
        around = self._neighbours(earned)
        if around:
            # Four for each that is asked for: to score one costs a small part of a training.
            first = np.argsort(-predict(around), kind="stable")[: 4 * n]
            self._pool.add([around[i] for i in first])
        worth = with_ranks(predict(self._pool.indices), self._pool.columns)
        order = np.argsort(-worth, kind="stable")
        return [int(i) for i in order if int(i) not in earned][:n]

    def _neighbours(self, earned):
        """Those that are not in the pool and differ from one of the best in one decision."""
        places = list(earned)
        worth = with_ranks(_finite(earned), [self._pool.columns[i] for i in places])
        best = np.array(places)[np.argsort(-worth, kind="stable")][: self._parents]
        around = (one for i in best for one in neighbours(self._space, self._pool.indices[i]))
        known = set(self._pool.indices)
        return [one for one in dict.fromkeys(around) if one not in known]

    def _fitted(self, earned):
        """Returns a function from a list of architectures to their optimistic predictions."""
        # scikit-learn takes a second to import.
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor, kernels

        rewards = _finite(earned)
        # How bad the bad ones are says little about differences among the good ones.
        rewards = np.maximum(rewards, np.quantile(rewards, 0.1))
        if not rewards.std() > 0:
            return lambda architectures: np.zeros(len(architectures))
        kernel = kernels.ConstantKernel(0.05, (1e-5, 10.0)) * kernels.DotProduct(
            1.0, (1e-2, 1e2)
        ) ** 2 + kernels.WhiteKernel(0.3, (1e-3, 10.0))
        model = GaussianProcessRegressor(kernel, normalize_y=True)
        with warnings.catch_warnings():
            # A length at its bound: there is nothing to learn yet.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(self._features([self._pool.indices[i] for i in earned]), rewards)
        # The noise of another training is no reason to try one.
        noise = model.kernel_.k2.noise_level * rewards.var()

        def predict(architectures):
            mean, deviation = model.predict(self._features(architectures), return_std=True)
            return mean + OPTIMISM * np.sqrt(np.maximum(deviation**2 - noise, 0.0))

        return predict

    def _features(self, architectures):
        decisions = np.asarray(architectures, np.int64)
        chosen = indicators(decisions, np.asarray(self._space.num_candidates))
        # As large in a space of many decisions as in one of six, on which the kernel was tried.
        return chosen * np.sqrt(6.0 / decisions.shape[1])


def _finite(earned):
    """The rewards as an array; one that is not finite is as bad as the worst of the others."""
    rewards = np.array(list(earned.values()), float)
    finite = np.isfinite(rewards)
    return np.where(finite, rewards, rewards[finite].min() if finite.any() else 0.0)
