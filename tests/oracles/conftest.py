import pytest
from every_oracle import Choices, CountingTuner


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
