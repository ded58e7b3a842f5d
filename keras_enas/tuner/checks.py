"""What `ENASTuner` checks before anything is written."""

import os

import keras_tuner

from keras_enas.oracles.checks import NO_SPACE, check_tunable
from keras_enas.search_space import recorded_space


def refuse_arguments(kwargs):
    """Refuses what KerasTuner offers and shared weights cannot give."""
    if kwargs.pop("executions_per_trial", 1) != 1:
        raise ValueError(
            "`executions_per_trial` must be 1: the shared weights are one network, trained on "
            "through all rounds. For a second opinion run the search with another `seed`."
        )
    if kwargs.pop("max_model_size", None) is not None:
        raise ValueError(
            "`max_model_size` is not supported while weights are shared. Choose among "
            "`get_best_architectures(n)`, which gives the parameters of each."
        )
    if "KERASTUNER_ORACLE_IP" in os.environ:
        raise ValueError(
            "KERASTUNER_ORACLE_IP is set, but ENASTuner searches in one process. Chief and "
            "workers go with a stock `keras_tuner.Tuner` and the same oracle; several GPUs with "
            "`distribution_strategy`."
        )


def declare(hypermodel, oracle):
    """Returns the `HyperParameters` that `build(hp)` has been through, its choices checked.

    A hypermodel may have a method `check_shareable()` that raises `ValueError` if
    its arguments do not go with shared weights.
    """
    if not isinstance(hypermodel, keras_tuner.HyperModel) and not callable(hypermodel):
        raise ValueError(
            "`hypermodel` must be a `keras_tuner.HyperModel` or a callable `build(hp)`. "
            f"Received: hypermodel={hypermodel!r}."
        )
    getattr(hypermodel, "check_shareable", lambda: None)()
    hp = oracle.get_space()
    if isinstance(hypermodel, keras_tuner.HyperModel):
        hypermodel.declare_hyperparameters(hp)
    getattr(hypermodel, "build", hypermodel)(hp)
    space = recorded_space(hp)
    if not len(space):
        raise ValueError(NO_SPACE)
    check_tunable(space, hp if oracle.tune_new_entries else oracle.hyperparameters)
    return hp


def check_objective(objective):
    """Checks that the objective is one metric on validation data."""
    if not isinstance(objective, keras_tuner.Objective) or not objective.name.startswith("val_"):
        raise ValueError(
            "`objective` must be `val_` and the name of one metric, such as 'val_accuracy', or a "
            f"`keras_tuner.Objective` of it. Received: {objective!r}."
        )


def check_directory(directory, project_name):
    """Checks that the project's folder can be written, and makes it."""
    path = os.path.join(str(directory or "."), project_name or "untitled_project")
    try:
        os.makedirs(path, exist_ok=True)
        probe = os.path.join(path, f".probe-{os.getpid()}")
        with open(probe, "w"):
            pass
        os.remove(probe)
    except OSError as error:
        raise ValueError(
            f"`directory`: '{path}' cannot be written ({error}). Give a folder that can."
        ) from error
