"""What a search knows of cost: one object that the tuner holds."""

import warnings

import numpy as np

from keras_enas.tuner.resources.goal import CostGoal, check_tolerance
from keras_enas.tuner.resources.judge import CostJudge
from keras_enas.tuner.resources.known import KnownCosts
from keras_enas.tuner.resources.limited import LEAST_TRIES, Limited
from keras_enas.tuner.resources.source import source_of

# Of `ENASTuner`.
COST_ARGUMENTS = ("cost", "cost_target", "cost_weight", "cost_limit", "cost_tolerance")
# When architectures near to the target are looked for, so many are drawn for each that is wanted,
# first by the oracle, then by chance.
TRIES = 20


class NoneNear(ValueError):
    """No architecture that was drawn is near to the target, or within the limit."""


class Resources:
    """The cost of architectures and what is asked of it; without a cost it changes nothing.

    Costs are those of the children that are retrained and exported, which may be
    larger than those that share weights (`for_children` of the hypermodel).

    Args:
        hypermodel: The hypermodel that is searched.
        build: Callable from an `Architecture` and the hypermodel of the children
            (None: the one that is searched) to a child.
        space: The `SearchSpace`.
        cost: What an architecture costs. `"parameters"`: trainable ones.
            `"flops"`: operations for one example, a multiplication and an addition
            being two. Both are asked of the hypermodel if it has
            `count_parameters(architecture)` or `count_flops(architecture)`, as it
            counts them (`HyperNASBench201`: a multiplication with its addition as
            one). `"latency"` or a `keras_enas.Latency`: milliseconds of the exported
            child on this machine. A callable from an `Architecture` to a number; or a
            table, a dict from text or indices to a number.
        cost_target: Optional number. The reward becomes
            `reward + cost_weight * |cost / cost_target - 1|` (TuNAS, Bender et al. 2020),
            and only architectures near to it are derived.
        cost_weight: Float of at most 0; default -0.07. It is in units of the
            reward: an accuracy is meant.
        cost_limit: Optional number, the most that an architecture may cost, or
            `(low, high)`. Others are drawn again, in all phases of a round.
        cost_tolerance: Float; default 0.05: within 5 % counts as near to the target.

    Raises:
        ValueError: If an argument does not fit.
    """

    def __init__(
        self,
        hypermodel,
        build,
        space,
        cost=None,
        cost_target=None,
        cost_weight=None,
        cost_limit=None,
        cost_tolerance=None,
    ):
        given = {
            "target": cost_target,
            "weight": cost_weight,
            "limit": cost_limit,
            "tolerance": cost_tolerance,
        }
        self._costs = None
        if cost is None:
            for name, value in given.items():
                if value is not None:
                    raise ValueError(
                        f"`cost_{name}` needs a `cost`, such as 'latency'. "
                        f"Received: cost_{name}={value!r} and no cost."
                    )
            self.goal = CostGoal()
            return
        self.goal = goal = CostGoal(**given)
        children = getattr(hypermodel, "for_children", lambda recipe: None)(None)
        source = source_of(cost, children or hypermodel, lambda one: build(one, children), space)
        known = source.all_costs
        if known is not None and not any(goal.near(one) for one in known):
            raise ValueError(
                f"`cost_{'limit' if goal.target is None else 'target'}` fits nothing in the table "
                f"`cost`, whose costs go from {min(known):.6g} to {max(known):.6g}. "
                f"Received: {goal}."
            )
        self._costs = KnownCosts(source, space)
        if goal.target is not None and not source.kept:
            self._warn_of_target(space)

    def _warn_of_target(self, space):
        """Warns of a target that random architectures are all on one side of."""
        costs = self.costs(space.random(LEAST_TRIES, np.random.default_rng(0)))
        least, most = min(costs), max(costs)
        if self.goal.target * (1 + self.goal.tolerance) < least or most < self.goal.target * (
            1 - self.goal.tolerance
        ):
            warnings.warn(
                f"`cost_target` is {self.goal.target:.6g}, but {len(costs):,} random architectures "
                f"cost {least:.6g} to {most:.6g}. A search may end without one near to the target.",
                stacklevel=4,
            )

    def check_tolerance(self, tolerance):
        """Raises `ValueError` unless a tolerance that was given is of use."""
        if tolerance is not None:
            check_tolerance("tolerance", tolerance)
            if self.goal.target is None:
                raise ValueError(
                    "`tolerance` is of use with `cost_target` only. "
                    f"Received: tolerance={tolerance}."
                )

    def open(self, path):
        """Keeps costs in a file; see `KnownCosts.open`."""
        if self._costs is not None:
            self._costs.open(path)

    def __bool__(self):
        """Whether costs are known at all."""
        return self._costs is not None

    @property
    def asked(self):
        """Whether anything is asked of the cost: a target or a limit."""
        return self.goal.target is not None or self.goal.limited

    def get_config(self):
        """What a choice depends on, JSON-serialisable; None if nothing is asked of the cost."""
        if not self.asked:
            return None
        return {"cost": self.name, **self.goal.get_config()}

    def get_minded(self):
        """What rewards and samples depend on, JSON-serialisable; None if not on the cost."""
        config = self.get_config()
        if config is None or self.goal.target is None:
            return config
        return {**config, "weight": self.goal.weight}

    @property
    def name(self):
        """String, what the cost is; None without one."""
        return None if self._costs is None else self._costs.name

    def costs(self, architectures):
        """Costs of architectures given as indices; None for each without a cost."""
        if self._costs is None:
            return [None for _ in architectures]
        return self._costs.of(architectures)

    def penalty(self, indices):
        """What the reward of an architecture loses by its cost, at most 0."""
        if self.goal.target is None:
            return 0.0
        return self.goal.penalty(self.costs([indices])[0])

    def accepts(self, indices, tolerance=None):
        """Whether an architecture may be chosen: within the limit, and near to the target."""
        return self._costs is None or self.goal.near(self.costs([indices])[0], tolerance)

    def allows(self, indices):
        """Whether an architecture is within the limit, however far from the target."""
        return not self.goal.limited or self.goal.allows(self.costs([indices])[0])

    # In a round.

    def limited(self, oracle):
        """The oracle, or what stands for it where there is a limit."""
        return Limited(oracle, self._costs, self.goal) if self.goal.limited else oracle

    def judging(self, judge):
        """The judge, or what stands for it where there is a target."""
        return judge if self.goal.target is None else CostJudge(judge, self)

    def of_round(self, indices):
        """What is kept of a round: the cost of what it derived."""
        return {} if self._costs is None else {"cost": float(self.costs([indices])[0])}

    # In the final choice.

    def candidates(self, oracle, known, k, tolerance=None, simplest=tuple):
        """Architectures to choose among.

        With a target, `k` different ones near to it, or as many as a bounded
        number of draws gives: of the oracle's first and, if these are not enough,
        uniform ones. A policy may have converged beside the target, where the
        accuracy that it gains is worth more than the penalty. Without a target,
        `k` samples within the limit.

        Args:
            oracle: The `SearchOracle` that draws.
            known: List of indices, architectures that are taken along if they fit.
            k: Integer.
            tolerance: Optional float in place of the goal's.
            simplest: Callable, see `keras_enas.tuner.simplest`. What comes of it must be near
                to the target and within the limit.

        Returns:
            List of indices.

        Raises:
            NoneNear: If there is none near to the target, or only such as are within the limit
                by operations that go nowhere.
            ValueError: If hardly any is within the limit.
        """
        known = [simplest(tuple(int(i) for i in one)) for one in known]
        allowed = [
            one
            for one, cost in zip(known, self.costs(known), strict=True)
            if self._costs is None or self.goal.near(cost, tolerance)
        ]
        if self.goal.target is None:
            drawn = [simplest(one) for one in self.limited(oracle).sample(k)]
            allowed += [one for one in drawn if self.accepts(one)]
            if not allowed:
                raise NoneNear(
                    f"None of {k:,} architectures drawn is within `cost_limit` without operations "
                    "that go nowhere, which the hypermodel's `simplest` takes out. Lower the least "
                    "that it may cost."
                )
            return allowed
        found, seen = {}, []
        rng = np.random.default_rng((oracle.seed, 0x6E656172))
        for draw in (oracle.sample, lambda n: oracle.space.random(n, rng)):
            tries = 0
            while len(found) < k and tries < max(TRIES * k, LEAST_TRIES):
                drawn = [simplest(one) for one in draw(k)]
                costs = self.costs(drawn)
                for one, cost in zip(drawn, costs, strict=True):
                    if self.goal.near(cost, tolerance):
                        found[tuple(int(i) for i in one)] = None
                tries += k
                seen += costs
        chosen = list(dict.fromkeys([*allowed, *list(found)[:k]]))
        if not chosen:
            nearest = min(seen, key=lambda cost: abs(cost - self.goal.target))
            within = self.goal.tolerance if tolerance is None else tolerance
            raise NoneNear(
                f"None of {len(seen):,} architectures drawn is within {within:.0%} of "
                f"`cost_target`, which is {self.goal.target:.6g}; the nearest costs {nearest:.6g}. "
                "Call `tuner.derive(tolerance=...)` with a greater tolerance, or search on, with "
                "a more negative `cost_weight` if the costs do not approach the target."
            )
        return chosen

    def best_first(self, derived):
        """Orders `(indices, Score)` near to the target by what they earn without their cost.

        There the cost has been attended to, and the better network is wanted.
        """
        return sorted(derived, key=lambda one: self.penalty(one[0]) - one[1].reward)
