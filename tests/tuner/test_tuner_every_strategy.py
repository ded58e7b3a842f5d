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
def test_two_rounds_and_a_resume(strategy, tmp_path, search):
    def make(max_trials):
        oracle = strategy("val_accuracy", max_trials=max_trials, seed=0, **STRATEGIES[strategy])
        hypermodel = SmallSpace(labels=("relu", "id"))
        return ENASTuner(hypermodel, oracle=oracle, directory=tmp_path, project_name="p", **TINY)

    search(make(1))
    tuner = search(make(2))
    learned = tuner.oracle.get_arrays()
    # A round learns from 8 samples; the second process goes on from what the first one learned.
    assert len(tuner.oracle.end_order) == 2
    assert learned["draws"] == 2 * (1 + 2 + 1)
    counted = learned.get("learned/num_learned")
    assert counted is None or counted == 16
    found = tuner.get_best_architectures(2)
    assert np.isfinite([one.score.objective for one in found]).all()
    assert all(np.isfinite(p).all() for p in tuner.oracle.probabilities().values())
