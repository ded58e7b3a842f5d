import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine.base_tuner import BaseTuner

from keras_enas.search_space import record


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


@pytest.fixture(scope="session")
def space(macro_space):
    return macro_space(3, 3)


@pytest.fixture
def make_tuner(tmp_path, space):
    """Returns a function that makes a tuner of an oracle, in a project folder of its own."""

    def make(oracle, project="project", hypermodel=None, **kwargs):
        hypermodel = Choices(space) if hypermodel is None else hypermodel
        return CountingTuner(
            oracle, hypermodel, directory=str(tmp_path), project_name=project, **kwargs
        )

    return make
