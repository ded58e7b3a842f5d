"""Architectures drawn again until they fit."""

import numpy as np

# So many are drawn for each that is wanted, and so many at least.
TRIES = 100
LEAST_TRIES = 1000


class Limited:
    """An oracle of whose architectures only those within the limit are seen.

    What does not fit is drawn again, so what is learned from fits as well. A draw
    follows from the oracle's seed and draw counter alone, as ever, and the costs
    are kept: the search can be repeated and resumed.

    Args:
        oracle: A `SearchOracle`.
        costs: `KnownCosts`.
        goal: A `CostGoal`.
    """

    def __init__(self, oracle, costs, goal):
        self._oracle = oracle
        self._costs = costs
        self._goal = goal

    def __getattr__(self, name):
        return getattr(self._oracle, name)

    def sample(self, n):
        """Draws architectures within the limit, int32 `(n, decisions)`.

        Raises:
            ValueError: If hardly any fits.
        """
        kept, seen = [], []
        while len(kept) < n:
            if len(seen) >= max(TRIES * n, LEAST_TRIES):
                low, high = self._goal.limit
                raise ValueError(
                    f"`cost_limit`: of {len(seen):,} architectures drawn, {len(kept)} have a cost "
                    f"from {low} to {high}; {n} are needed. Those drawn cost {min(seen):.6g} to "
                    f"{max(seen):.6g}. Give a wider limit, or a space that has more of them."
                )
            drawn = self._oracle.sample(n - len(kept))
            costs = self._costs.of(drawn)
            kept += [one for one, cost in zip(drawn, costs, strict=True) if self._goal.allows(cost)]
            seen += costs
        return np.stack(kept)
