"""How benchmarks/short_trainings.py draws cells and says which training tells them apart."""

import argparse
import importlib
import types

import numpy as np
import pytest

import keras_enas as ke
from keras_enas.hypermodels.children import space_of


@pytest.fixture(scope="module")
def short_trainings(benchmarks_import_each_other):
    return importlib.import_module("short_trainings")


def test_the_best_before_the_others(short_trainings):
    best = np.array([True, True, False, False])
    ranked_before = short_trainings.ranked_before
    assert ranked_before(np.array([4.0, 3.0, 2.0, 1.0]), best) == 1
    assert ranked_before(np.array([1.0, 3.0, 2.0, 0.0]), best) == 0.75
    assert ranked_before(np.array([1.0, 1.0, 1.0, 1.0]), best) == 0.5
    # A sample of a bootstrap without others; and one whose classes are ranks.
    assert np.isnan(ranked_before(np.array([1.0, 2.0]), np.array([True, True])))
    assert ranked_before(np.array([1.0, 2.0]), np.array([1.5, 3.5])) == 1


def test_cells_are_drawn_of_two_groups_in_their_simplest_form(short_trainings):
    hypermodel = ke.HyperNASBench201((8, 8, 3), 10)
    rng = np.random.default_rng(0)
    space = space_of(hypermodel)
    architectures = np.unique(rng.integers(0, 5, (600, 6)), axis=0)
    latency = rng.uniform(20, 30, len(architectures))
    table = types.SimpleNamespace(
        space=space,
        architectures=architectures,
        columns={"ms": latency},
        truth=rng.uniform(80, 94, len(architectures)),
    )
    settings = {**short_trainings.DEFAULTS, "latency": "ms", "latency_target": 25.0}
    rows, best = short_trainings.drawn(table, settings, 3, 8, seed=1)
    assert len(set(rows.tolist())) == 11 and best.sum() == 3
    assert np.all(np.abs(latency[rows] / 25 - 1) <= 0.05)
    near = []
    for row in np.flatnonzero(np.abs(latency / 25 - 1) <= 0.05):
        cell = space.architecture(architectures[row])
        if hypermodel.simplest(cell) == cell:
            near.append(row)
    assert set(rows) < set(near)
    # So many of these are better than the worst of the best, the best and the worst of the others.
    better = [np.mean(table.truth[near] > one) for one in table.truth[rows]]
    assert max(np.array(better)[best]) <= 0.04
    assert min(np.array(better)[~best]) >= 0.1 and max(np.array(better)[~best]) <= 0.5
    again, _ = short_trainings.drawn(table, settings, 3, 8, seed=1)
    assert again.tolist() == rows.tolist()
    with pytest.raises(SystemExit, match="--best 300: there are"):
        short_trainings.drawn(table, settings, 300, 8, seed=1)
    with pytest.raises(SystemExit, match="No cell is within 5 % of 99 ms"):
        short_trainings.drawn(table, {**settings, "latency_target": 99.0}, 3, 8, seed=1)


def test_trainings_are_read(short_trainings):
    assert short_trainings.training("3:0.4") == (3, 0.4)
    for wrong in ("3", "3:", "0:1", "3:-1", "3:inf", "a:b"):
        with pytest.raises(argparse.ArgumentTypeError, match="cells:epochs, as 3:0.4"):
            short_trainings.training(wrong)
