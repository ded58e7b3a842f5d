"""Every search strategy, as small as it works: add a new one here and it is tested."""

import keras_tuner
import numpy as np
from keras_tuner.engine.base_tuner import BaseTuner

from keras_enas import oracles
from keras_enas.search_space import record

ORACLES = {
    "ant_colony": oracles.AntColonyOracle,
    "enas": oracles.ENASOracle,
    "evolution": oracles.RegularizedEvolutionOracle,
    "factorized": oracles.FactorizedOracle,
    "progressive": oracles.ProgressiveOracle,
    "q_learning": oracles.QLearningOracle,
    "random": oracles.RandomOracle,
}

# Where the defaults are too large for a test of a few samples.
SETTINGS = {
    "evolution": {"population_size": 4, "sample_size": 2},
    "progressive": {"samples_per_stage": 4, "samples_per_fit": 4, "beam_size": 8},
    "q_learning": {"epsilon_schedule": ((1.0, 4), (0.2, 1))},
}


def settings_of(name):
    return dict(SETTINGS.get(name, {}))


class Choices(keras_tuner.HyperModel):
    """A hypermodel that makes choices and another hyperparameter, and builds nothing."""

    def __init__(self, space):
        super().__init__()
        self.space = space

    def build(self, hp):
        for decision in self.space:
            record(hp, decision)
            hp.Choice(decision.name, list(decision.candidates), ordered=False)
        hp.Float("learning_rate", 1e-4, 1e-1, default=0.01)


class CountingTuner(BaseTuner):
    """Scores an architecture by the mean of its indices; trains nothing."""

    def run_trial(self, trial, **kwargs):
        self.hypermodel.build(trial.hyperparameters)
        space = self.hypermodel.space
        indices = space.from_values(trial.hyperparameters.values).indices
        return {"val_accuracy": float(np.mean(indices))}
