"""Where costs come from: names, hypermodels that count, tables, callables."""

import re

import numpy as np
import pytest

from keras_enas.hypermodels import HyperNASBench201
from keras_enas.hypermodels.children import space_of
from keras_enas.search_space import Decision, SearchSpace
from keras_enas.tuner.resources import Latency, Resources
from keras_enas.tuner.resources.source import source_of

SPACE = SearchSpace([Decision("a", "op", ("x", "y")), Decision("b", "op", ("x", "y", "z"))])
TABLE = {"x x": 1, "x y": 2.5, (0, 2): 3, SPACE.architecture((1, 0)): 4, "y | y": 5, (1, 2): 6}


def never(architecture):
    raise AssertionError("A child was built.")


def source(cost, hypermodel=None, build=never):
    return source_of(cost, hypermodel, build, SPACE)


def test_a_table_by_text_indices_and_architecture():
    made = source(TABLE)
    asked = [made.ask(SPACE.architecture(i)) for i in np.ndindex(2, 3)]
    assert asked == [1, 2.5, 3, 4, 5, 6] and not made.kept


def test_a_table_in_the_hypermodels_own_text():
    hypermodel = HyperNASBench201((8, 8, 3), 3, cells_per_stage=1, filters=2)
    space = space_of(hypermodel)
    one = space.architecture([0, 1, 2, 3, 4, 0])
    made = source_of({hypermodel.text_of(one): 7.5}, hypermodel, never, space)
    assert made.ask(one) == 7.5
    with pytest.raises(ValueError, match="has nothing for 'none | none"):
        made.ask(space.architecture([0] * 6))
    # A slip of the pen comes out now, and not when that cell is asked for.
    with pytest.raises(ValueError, match="has the key '|nor_conv~0|"):
        source_of({"|nor_conv~0|": 7.5}, hypermodel, never, space)


def test_a_hypermodel_that_counts_is_asked_instead_of_building():
    hypermodel = HyperNASBench201((8, 8, 3), 3, cells_per_stage=1, filters=2, child_filters=4)
    space = space_of(hypermodel)
    for name in ("parameters", "flops"):
        one = space.architecture([3, 1, 2, 3, 4, 0])
        # Of the children that are exported, which are wider than what shares weights.
        expected = getattr(hypermodel.for_children(), f"count_{name}")(one)
        resources = Resources(hypermodel, never, space, cost=name)
        assert resources.costs([one.indices]) == [expected]
        assert expected > getattr(hypermodel, f"count_{name}")(one)
        assert resources.name == f"{name} as HyperNASBench201 counts them"


def test_a_callable_gets_the_architecture():
    made = source(lambda architecture: len(architecture["b"]) + architecture.indices[0])
    assert made.ask(SPACE.architecture((1, 2))) == 2 and made.kept


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        ("latencies", "`cost` must be 'parameters', 'flops', 'latency'.*'latencies'"),
        (5, "`cost` must be"),
        (Latency, "`cost` must be"),
        ({}, "`cost` is an empty table"),
        ({"x x": -1}, "`cost` of 'x x' must be a finite number of at least 0"),
        ({"x x": float("nan")}, "`cost` of 'x x' must be a finite number"),
        ({"x x": None}, "`cost` of 'x x' must be a finite number"),
        ({"x w": 1}, "has the key 'x w'.*has no candidate 'w'"),
        ({(0, 3): 1}, "has the key (0, 3).*out of range"),
        ({3: 1}, "has the key 3"),
    ],
)
def test_bad_costs(cost, message):
    with pytest.raises(ValueError, match=re.escape(message).replace(r"\.\*", ".*")):
        source(cost)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cost_target": 5}, "`cost_target` needs a `cost`"),
        ({"cost_limit": 5}, "`cost_limit` needs a `cost`"),
        ({"cost_weight": -0.1}, "`cost_weight` needs a `cost`"),
        ({"cost": TABLE, "cost_target": 20}, "`cost_target` fits nothing.*from 1 to 6"),
        ({"cost": TABLE, "cost_limit": 0.5}, "`cost_limit` fits nothing.*from 1 to 6"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Resources(None, never, SPACE, **arguments)


def test_a_target_that_is_out_of_reach():
    hypermodel = HyperNASBench201((8, 8, 3), 3, cells_per_stage=1, filters=2)
    space = space_of(hypermodel)
    with pytest.warns(UserWarning, match="`cost_target` is 100, but 1,000 random.* cost 1[0-9]{3}"):
        Resources(hypermodel, never, space, cost="parameters", cost_target=100)
    # Without a warning, which would be an error here.
    Resources(hypermodel, never, space, cost="parameters", cost_target=3000)


@pytest.mark.parametrize("value", [float("inf"), -1, "3", None, True])
def test_a_callable_that_returns_no_cost(value):
    resources = Resources(None, never, SPACE, cost=lambda architecture: value)
    with pytest.raises(ValueError, match="`cost` of 'x | x' must be a finite number"):
        resources.costs([(0, 0)])
