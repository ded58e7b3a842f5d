"""`ENASTuner` with every strategy in place of the controller."""

import numpy as np
import pytest
from small_space import STRATEGIES, SmallSpace

from keras_enas import ENASTuner, oracles
from keras_enas.oracles import SearchOracle

# As small as a search can be: 18 architectures, 2 rounds of 2 updates of 4 samples.
TINY = {
    "controller_updates": 2,
    "samples_per_update": 4,
    "derive_samples": 3,
    "derive_batches": 1,
    "final_samples": 4,
}


def test_none_is_missing():
    kinds = [one for one in vars(oracles).values() if isinstance(one, type)]
    public = {one for one in kinds if issubclass(one, SearchOracle)} - {SearchOracle}
    assert public == set(STRATEGIES)


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
