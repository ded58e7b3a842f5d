"""Which architectures are worth a training of their own, seen from those that had one."""

import numpy as np
from sklearn.linear_model import BayesianRidge


class Surrogate:
    """Proposes architectures by a regression of what trained ones earned.

    The features are the decisions (one of n) and the shared-weight score; the
    regression is Bayesian and linear, of `scikit-learn`. Candidates are proposed
    by the prediction plus a draw of its uncertainty, so that what is not known
    is tried too. Predictors of this kind are the usual companion of short
    trainings (White et al. 2021, "How powerful are performance predictors in
    neural architecture search?").

    Args:
        space: The `SearchSpace`.
        pool: Integers `(n, decisions)`, the architectures to choose from.
        scores: Floats `(n,)`, their shared-weight rewards.
        seed: Integer.
    """

    def __init__(self, space, pool, scores, seed):
        pool = np.asarray(pool)
        columns = [
            pool[:, i] == candidate
            for i, count in enumerate(space.num_candidates)
            for candidate in range(count)
        ]
        scores = np.asarray(scores, float)
        self._features = np.stack([*columns, (scores - scores.mean()) / (scores.std() or 1.0)], 1)
        self._by_score = np.argsort(-scores, kind="stable")
        self._seed = seed

    def propose(self, earned, n):
        """Returns `n` that were not trained yet.

        Args:
            earned: Dict from index in the pool to the reward of its training.
            n: Integer.

        Returns:
            List of indices in the pool. At first one half has the best scores, and
            the other is drawn at random, so that there is a difference to learn from.
        """
        rng = np.random.default_rng((self._seed, len(earned), 0x70726F70))
        if earned:
            mean, deviation = self._predict(earned)
            order = np.argsort(-(mean + deviation * rng.normal(size=len(mean))), kind="stable")
            return [int(i) for i in order if int(i) not in earned][:n]
        best = self._by_score[: -(-n // 2)]
        others = rng.permutation(self._by_score[len(best) :])[: n - len(best)]
        return [int(i) for i in (*best, *others)]

    def _predict(self, earned):
        rewards = np.array(list(earned.values()), float)
        finite = np.isfinite(rewards)
        if not finite.any():
            return np.zeros(len(self._features)), np.ones(len(self._features))
        # One whose loss is not finite is as bad as the worst of the others.
        rewards[~finite] = rewards[finite].min()
        model = BayesianRidge().fit(self._features[list(earned)], rewards)
        return model.predict(self._features, return_std=True)
