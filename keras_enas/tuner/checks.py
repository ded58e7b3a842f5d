"""What `ENASTuner` checks before anything is written."""

import dataclasses
import difflib
import inspect
import os

import keras_tuner

from keras_enas.controllers import ControllerSettings
from keras_enas.oracles import ENASOracle, SearchOracle
from keras_enas.oracles.checks import NO_SPACE, check_integer, check_number, check_tunable
from keras_enas.rewards import name_of
from keras_enas.search_space import recorded_space
from keras_enas.tuner.sampling import SAMPLINGS

# As the released code has it.
SAMPLES_PER_UPDATE = 20
# Those of `ENASTuner` that are an oracle's.
DEFAULTS = {"objective": "val_accuracy", "max_trials": 30, "profile": "default", "seed": None}


def refuse_unknown(kwargs, names):
    """Refuses arguments that neither the tuner nor its controller has.

    Args:
        kwargs: Dict of what was given.
        names: Those that the tuner itself has.
    """
    of_oracle = [*inspect.signature(ENASOracle).parameters]
    of_controller = [field.name for field in dataclasses.fields(ControllerSettings)]
    known = sorted({*names, *of_oracle, *of_controller} - {"self", "kwargs", "settings"})
    for name in kwargs:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3)
            meant = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
            raise ValueError(f"`ENASTuner` has no argument '{name}'. {meant}It has {known}.")


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


def check_counts(
    warmup_rounds, controller_updates, samples_per_update, derive_samples, derive_batches
):
    """Checks how often a round does what."""
    for name, value, least, optional in (
        ("warmup_rounds", warmup_rounds, 0, False),
        ("controller_updates", controller_updates, 0, False),
        ("samples_per_update", samples_per_update, 2, True),
        ("derive_samples", derive_samples, 1, False),
        ("derive_batches", derive_batches, 1, True),
    ):
        check_integer(name, value, least, optional=optional)


def check_sampling(sampling, architectures_per_step):
    """Checks which architectures are trained, and how many a step."""
    if sampling not in (None, *SAMPLINGS):
        raise ValueError(f"`sampling` must be None or one of {SAMPLINGS}. Received: {sampling!r}.")
    check_integer("architectures_per_step", architectures_per_step, 1)
    if sampling == "sandwich" and architectures_per_step < 2:
        raise ValueError(
            "`sampling='sandwich'` trains each batch as the largest, the smallest and other "
            "architectures: give `architectures_per_step` of at least 2, better 4. "
            f"Received: {architectures_per_step}."
        )


def sampling_of(sampling, oracle, limited):
    """Returns how the architectures that are trained are drawn: as was asked for, or the default.

    Args:
        sampling: As in `ENASTuner`.
        oracle: The `SearchOracle`; a published profile of an `ENASOracle` has its own default.
        limited: Boolean, whether there is a limit on the cost, to which only the oracle keeps.
    """
    if sampling is None:
        published = getattr(oracle, "profile", "default") != "default"
        return "controller" if limited or published else "fair"
    if limited and sampling != "controller":
        raise ValueError(
            "`cost_limit` is kept to by what the oracle samples: it goes with "
            f"`sampling='controller'` only. Received: sampling={sampling!r}."
        )
    return sampling


def check_seconds(max_cpu_seconds):
    """Checks the time that a search may take."""
    if max_cpu_seconds is not None:
        check_number("max_cpu_seconds", max_cpu_seconds, 0, above=True)


def oracle_of(oracle, objective, max_trials, profile, seed, settings):
    """Returns the oracle that was given, or an `ENASOracle` of the other arguments."""
    of_oracle = {
        "objective": objective,
        "max_trials": max_trials,
        "profile": profile,
        "seed": seed,
        **settings,
    }
    if oracle is None:
        oracle = ENASOracle(**of_oracle)
    elif not isinstance(oracle, SearchOracle):
        raise ValueError(
            f"`oracle` must be a keras_enas SearchOracle. Received: oracle={oracle!r}."
        )
    else:
        # Where it is the default, it cannot be seen whether it was given.
        given = {name: value for name, value in of_oracle.items() if value != DEFAULTS.get(name)}

        def plain(value):
            return getattr(value, "name", value)

        own = vars(oracle)
        others = sorted(n for n, value in given.items() if plain(own.get(n)) != plain(value))
        if others:
            raise ValueError(
                f"With an `oracle`, {others} belong to it: "
                f"{type(oracle).__name__}(objective, max_trials, seed=...)."
            )
    if oracle.max_trials is None:
        raise ValueError("`max_trials` must be an integer of at least 1. Received: None.")
    return oracle


def check_reward(reward):
    """Checks that the reward can be called, or is None."""
    if reward is not None and (not callable(reward) or isinstance(reward, type)):
        raise ValueError(
            "`reward` must be a callable from the dict of metrics and the objective to a "
            f"float. Received: reward={reward!r}."
        )


def check_same_reward(before, reward):
    """Raises `ValueError` if the rounds of a project were rewarded by something else.

    Args:
        before: String, `name_of` the reward that they had.
        reward: Callable, the reward that there is now.
    """
    now = name_of(reward)
    if now != before:
        raise ValueError(
            f"`reward`: the rounds on disk were rewarded by {before}, which this search goes on "
            f"from. Received: {now}. Pass the one that it began with, or `overwrite=True` or "
            "another `project_name` to begin anew."
        )


def check_same_objective(before, now):
    """Raises `ValueError` if the rounds of a project were searched for something else.

    Args:
        before: List of the name and the direction of the objective that they had.
        now: The same of the objective that there is now.
    """
    if now != before:
        raise ValueError(
            f"`objective`: the rounds on disk were searched for '{before[0]}' ({before[1]}), and "
            f"their scores are of that. Received: '{now[0]}' ({now[1]}). Pass "
            f"`keras_tuner.Objective('{before[0]}', '{before[1]}')`, or `overwrite=True` or "
            "another `project_name` to begin anew."
        )


def check_same_cost(before, now):
    """Raises `ValueError` if the rounds of a project minded another cost.

    Args:
        before: What `Resources.get_minded` returned for them.
        now: What it returns now.
    """
    if now != before:
        said = [f"{one}" if one else "no target and no limit" for one in (before, now)]
        raise ValueError(
            "`cost`: the rounds on disk, which this search would go on from, were searched with "
            f"{said[0]}. Received: {said[1]}. Give the same, or `overwrite=True` or another "
            "`project_name` to begin anew."
        )


def least_batch(reward):
    """How many examples a validation batch must have for a reward: its `least_batch`, or 1."""
    return getattr(reward, "least_batch", 1)


def check_reward_on(reward, network, batches):
    """Checks validation batches, and the network of a supergraph, where the reward minds them."""
    if hasattr(reward, "check"):
        reward.check(network, batches)


def declare(hypermodel, oracle, reward=None):
    """Returns the `HyperParameters` that `build(hp)` has been through, its choices checked.

    A hypermodel may have a method `check_shareable()` that raises `ValueError` if
    its arguments do not go with shared weights, a reward a method `head_of(network)` that
    raises it if the network does not go with the reward.
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
    network = getattr(hypermodel, "build", hypermodel)(hp)
    getattr(reward, "head_of", lambda network: None)(network)
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


def samples_of(oracle):
    """How many architectures a round scores before the oracle learns, if nothing else is asked for.

    An oracle's figure of 1, its default, is meant for trials that each train a
    child; of a round's updates it says nothing.
    """
    return oracle.samples_per_update if oracle.samples_per_update > 1 else SAMPLES_PER_UPDATE
