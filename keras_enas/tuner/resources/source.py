"""Where the cost of an architecture comes from: a name, a table, a callable."""

import collections.abc
import contextlib
import dataclasses
import math
import numbers
from collections.abc import Callable

from keras_enas.cost import count_flops, count_parameters
from keras_enas.search_space import Architecture
from keras_enas.tuner import state
from keras_enas.tuner.fingerprint import fingerprint_of_children, outline
from keras_enas.tuner.resources.latency import Latency

COUNTS = {"parameters": count_parameters, "flops": count_flops}


@dataclasses.dataclass(frozen=True)
class Source:
    """Where costs come from.

    Args:
        name: String, what is printed and written beside the costs.
        ask: Callable from an `Architecture` to its cost.
        kept: Boolean, whether costs are dear enough, or may differ when they are asked
            again, so that they are kept on disk.
        all_costs: Optional list of all costs that there are, where they are known.
        children: Callable without arguments that returns a text, another one for children with
            other layers; None where it is not known what costs depend on.
    """

    name: str
    ask: Callable
    kept: bool
    all_costs: list | None = None
    children: Callable = lambda: None


def source_of(cost, hypermodel, build, space):
    """Makes a `Source` of the argument `cost` of `ENASTuner`.

    Args:
        cost: As given.
        hypermodel: The hypermodel of the children that are exported, whose
            `count_parameters(architecture)` and `count_flops(architecture)` are asked
            if it has them.
        build: Callable from an `Architecture` to such a child.
        space: The `SearchSpace`.

    Returns:
        A `Source`.

    Raises:
        ValueError: If `cost` is nothing of this kind, or a table that does not fit.
    """

    def children():
        return fingerprint_of_children(space, build, outline)

    if isinstance(cost, str) and cost in COUNTS:
        own = getattr(hypermodel, f"count_{cost}", None)
        if own is not None:
            return Source(f"{cost} as {type(hypermodel).__name__} counts them", own, False)
        return Source(cost, _of_child(COUNTS[cost], build), True, children=children)
    if isinstance(cost, str) and cost == "latency":
        cost = Latency()
    if isinstance(cost, Latency):
        return Source(str(cost), _of_child(cost.measure, build), True, children=children)
    if isinstance(cost, collections.abc.Mapping):
        table = _Table(cost, hypermodel, space)
        return Source("cost of a table", table, False, list(cost.values()))
    if callable(cost) and not isinstance(cost, type):
        name = getattr(cost, "__name__", type(cost).__name__)
        return Source(f"cost of {name}", cost, True)
    raise ValueError(
        "`cost` must be 'parameters', 'flops', 'latency', a `keras_enas.Latency(...)`, a callable "
        "from an Architecture to a number, or a dict from the text or the indices of "
        f"architectures to numbers. Received: cost={cost!r}."
    )


def _of_child(measure, build):
    """What `measure` says of a child, which is built without a trace in the search's chances."""

    def ask(architecture):
        with state.seeded(0):
            return measure(build(architecture))

    return ask


class _Table:
    """Costs by text or by indices; also by the text form that the hypermodel can `parse`."""

    def __init__(self, table, hypermodel, space):
        if not table:
            raise ValueError("`cost` is an empty table. Give the cost of every architecture.")
        # `HyperNASBench201` has a text form of its own.
        self._own_form = getattr(hypermodel, "parse", None)
        self._costs = {}
        for key, value in table.items():
            checked_cost(value, f"`cost` of {key!r}")
            self._costs[self._key(key, space)] = value

    def _key(self, key, space):
        try:
            if isinstance(key, Architecture):
                return space.architecture(key.indices).indices
            return (space.parse if isinstance(key, str) else space.architecture)(key).indices
        except (TypeError, ValueError) as error:
            if isinstance(key, str) and self._own_form is not None:
                with contextlib.suppress(ValueError):
                    return self._own_form(key).indices
            raise ValueError(
                f"The table `cost` has the key {key!r}, which is neither the text nor the indices "
                f"of an architecture of this space. {error}"
            ) from None

    def __call__(self, architecture):
        cost = self._costs.get(architecture.indices)
        if cost is None:
            raise ValueError(
                f"The table `cost` has nothing for '{architecture}'. Give the cost of every "
                "architecture of the space, or a callable."
            )
        return cost


def checked_cost(value, what):
    """Returns a cost as an int or a float; `ValueError` unless it is finite and at least 0."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise ValueError(f"{what} must be a finite number of at least 0. Received: {value!r}.")
    return int(value) if isinstance(value, numbers.Integral) else float(value)
