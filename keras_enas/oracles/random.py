"""Random search: every architecture alike, whatever the rewards."""

import numpy as np

from keras_enas.oracles.oracle import SearchOracle


class RandomOracle(SearchOracle):
    """Draws every architecture with the same probability and learns nothing.

    The yardstick for every other strategy.

    Args:
        objective: As in `keras_tuner.Oracle`.
        max_trials: Integer, the most trials to run.
        seed: Optional integer. 0 is a seed; None draws one.
        **kwargs: As in `SearchOracle`.

    Raises:
        ValueError: If an argument is out of its range; the message names it.
    """

    def __init__(self, objective=None, max_trials=100, seed=None, **kwargs):
        super().__init__(objective=objective, max_trials=max_trials, seed=seed, **kwargs)

    def _sample(self, n, seed):
        return self.space.random(n, np.random.default_rng(seed))

    def _learn(self, architectures, rewards):
        return {"entropy": float(np.sum(np.log(self.space.num_candidates)))}

    def most_likely(self):
        """All are alike: the first candidate of every decision."""
        self._require_space()
        return np.zeros(len(self.space), np.int32)

    def probabilities(self):
        self._require_space()
        return {
            decision.name: np.full(len(decision.candidates), 1 / len(decision.candidates))
            for decision in self.space
        }
