"""What is asked of an architecture's cost, in plain numbers."""

import dataclasses
import math
import numbers

from keras_enas.rewards import absolute_penalty


@dataclasses.dataclass(frozen=True, kw_only=True)
class CostGoal:
    """What is asked of an architecture's cost; see `ENASTuner` for the arguments.

    Raises:
        ValueError: If an argument does not fit; it names the argument as `ENASTuner` has it.
    """

    target: float | None = None
    weight: float | None = None
    limit: float | tuple | None = None
    tolerance: float | None = None

    def __post_init__(self):
        if self.target is None:
            for name in ("weight", "tolerance"):
                if getattr(self, name) is not None:
                    raise ValueError(
                        f"`cost_{name}` is of use with `cost_target` only. "
                        f"Received: cost_{name}={getattr(self, name)!r} without a target."
                    )
        else:
            _check("cost_target", self.target, "a number above 0", lambda x: x > 0)
        # TuNAS's released code has -0.1. Near to the target a weight no longer decides.
        self._set(weight=-0.07 if self.weight is None else self.weight)
        self._set(tolerance=0.05 if self.tolerance is None else self.tolerance)
        _check(
            "cost_weight",
            self.weight,
            "a number of at most 0: a positive one would pay for missing the target",
            lambda x: x <= 0,
        )
        check_tolerance("cost_tolerance", self.tolerance)
        low, high = self._limits()
        self._set(limit=(low, high))
        if not low <= high or high < 0:
            raise ValueError(f"`cost_limit` allows nothing. Received: cost_limit=({low}, {high}).")
        if self.target is not None:
            nearest = min(max(self.target, low), high)
            if not self.near(nearest):
                raise ValueError(
                    f"`cost_limit` allows nothing within {self.tolerance:.0%} of `cost_target`. "
                    f"Received: cost_limit=({low}, {high}), cost_target={self.target}."
                )

    def _set(self, **values):
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _limits(self):
        """Low and high, infinite where there is no limit."""
        given = self.limit
        low, high = given if isinstance(given, (tuple, list)) and len(given) == 2 else (None, given)
        what = "a number, or (low, high) of which one may be None"
        for value in (low, high):
            if value is not None:
                _check("cost_limit", value, what, lambda x: x >= 0, given)
        return -math.inf if low is None else low, math.inf if high is None else high

    @property
    def limited(self):
        """Whether there is a limit."""
        return self.limit != (-math.inf, math.inf)

    def allows(self, cost):
        """Whether a cost is within the limit."""
        return self.limit[0] <= cost <= self.limit[1]

    def near(self, cost, tolerance=None):
        """Whether a cost is within the limit and, if there is a target, near to it."""
        tolerance = self.tolerance if tolerance is None else tolerance
        if not self.allows(cost):
            return False
        return self.target is None or abs(cost / self.target - 1) <= tolerance

    def penalty(self, cost):
        """What the reward loses by a cost; 0 without a target."""
        if self.target is None:
            return 0.0
        return absolute_penalty(cost, self.target, self.weight)

    def get_config(self):
        """What a choice among architectures depended on, JSON-serialisable."""
        limit = [None if math.isinf(x) else x for x in self.limit]
        return {"target": self.target, "limit": limit}


def check_tolerance(name, value):
    """Raises `ValueError` unless `value` is a number of at least 0; infinity is one."""
    if value != math.inf:
        _check(name, value, "a number of at least 0, such as 0.05 for 5 %", lambda x: x >= 0)


def _check(name, value, what, fits, given=None):
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not fits(value):
        given = value if given is None else given
        raise ValueError(f"`{name}` must be {what}. Received: {name}={given!r}.")
