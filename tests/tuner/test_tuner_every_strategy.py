"""`ENASTuner` with every strategy in place of the controller."""

import numpy as np
import pytest
from small_space import SmallSpace

from keras_enas import (
    AntColonyOracle,
    ENASTuner,
    FactorizedOracle,
    ProgressiveOracle,
    QLearningOracle,
    RegularizedEvolutionOracle,
)

# As small as a search can be: 18 architectures, 2 rounds of 2 updates of 4 samples.
TINY = {
    "controller_updates": 2,
    "samples_per_update": 4,
    "derive_samples": 3,
    "derive_batches": 1,
    "final_samples": 4,
}
STRATEGIES = {
    AntColonyOracle: {},
    FactorizedOracle: {},
    ProgressiveOracle: {"samples_per_stage": 4, "samples_per_fit": 4},
    QLearningOracle: {},
    RegularizedEvolutionOracle: {"population_size": 4, "sample_size": 2},
}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.__name__)
def test_two_rounds_and_a_reload(strategy, tmp_path, search):
    def make():
        oracle = strategy("val_accuracy", max_trials=2, seed=0, **STRATEGIES[strategy])
        hypermodel = SmallSpace(labels=("relu", "id"))
        return ENASTuner(hypermodel, oracle=oracle, directory=tmp_path, project_name="p", **TINY)

    tuner = search(make())
    learned = tuner.oracle.get_arrays()
    # A round learns from 8 samples.
    assert len(tuner.oracle.end_order) == 2
    assert learned.get("learned/num_learned", 16) == 16
    found = tuner.get_best_architectures(2)
    assert np.isfinite([one.score.objective for one in found]).all()
    assert all(np.isfinite(p).all() for p in tuner.oracle.probabilities().values())
    # A new one goes on from what this one has learned.
    again = make()
    assert again.supergraph is not None
    reloaded = again.oracle.get_arrays()
    assert learned.keys() == reloaded.keys()
    for name, array in learned.items():
        np.testing.assert_array_equal(array, reloaded[name], err_msg=name)
