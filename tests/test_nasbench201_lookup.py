"""What benchmarks/nasbench201_lookup.py makes of a table."""

import importlib
import types

import numpy as np

import keras_enas as ke
from keras_enas.search_space import Decision, SearchSpace


def test_equal_rewards_are_not_told_apart_by_the_truth(benchmarks_import_each_other):
    lookup = importlib.import_module("nasbench201_lookup")
    space = SearchSpace([Decision("a", "op", tuple("uvwxyz"))])
    columns = {"cifar10_valid_12": np.full(6, 80.0), "latency_ms_titan_rtx_32": np.ones(6)}
    truth = np.array([90.0, 91.0, 92.0, 93.0, 94.0, 95.0])
    table = types.SimpleNamespace(
        space=space, columns=columns, truth=truth, row=lambda cell: int(cell[0])
    )
    ends = set()
    for seed in range(4):
        oracle = ke.RandomOracle("val_accuracy", seed=seed)
        found, times = lookup.search(oracle, table, 5, 1.0, 1.0, seed)
        assert len(found) == len(times) == 5
        # The first one stays the best.
        assert len(set(found.tolist())) == 1
        ends.add(found[0])
    assert len(ends) > 1
