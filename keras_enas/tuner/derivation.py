"""What a search found: sampled, scored with the final weights, kept in the project folder."""

import dataclasses
import functools
import os
import warnings

import numpy as np
from keras_tuner.engine.trial import TrialStatus

from keras_enas.oracles.checks import check_integer
from keras_enas.search_space import Architecture
from keras_enas.supergraph import inherit, recalibrate
from keras_enas.training_free.scores import INTO_THE_NETWORK
from keras_enas.training_free.scores import score as training_free_score
from keras_enas.tuner import results, search_data, state
from keras_enas.tuner import round as rounds
from keras_enas.tuner.data import described
from keras_enas.tuner.fingerprint import fingerprint_of_children
from keras_enas.tuner.halving import SuccessiveHalving, halve
from keras_enas.tuner.pool import Pool, found_of
from keras_enas.tuner.proposals import Surrogate
from keras_enas.tuner.resources import scored
from keras_enas.tuner.second_opinion import check_replacing
from keras_enas.tuner.short_training import ShortTraining


def derive(tuner, k, validation_data, batch_size, strategy, tolerance=None):
    """Derives and writes what it found; see `ENASTuner.derive`."""
    require_rounds(tuner)
    tuner.check_same_reward()
    halving = strategy_of(strategy, tuner.hypermodel)
    if halving and tuner.search_data is None:
        raise ValueError(
            "`strategy` trains architectures, but this process has not searched and has no "
            "training data. Call `search` first: rounds that are done are not done again."
        )
    validation = search_data.validation_of(tuner, validation_data, batch_size)
    oracle, space = tuner.oracle, tuner.space
    earlier = [
        space.from_values(trial.hyperparameters.values).indices for trial in completed_trials(tuner)
    ]
    # The draw counter is put back: a search that goes on must not depend on this.
    before = oracle.get_arrays()
    known = [*earlier, tuple(oracle.most_likely())]
    try:
        samples = tuner.resources.candidates(oracle, known, int(k), tolerance, tuner.simplest)
    finally:
        oracle.set_arrays(before)
    tuner.say(f"Deriving: scoring {len(samples)} architectures on all validation data")
    derived = tuner.resources.best_first(rounds.derive(tuner.judge, validation, samples))
    if not derived:
        warnings.warn(
            f"None of {len(samples)} architectures has a finite score: nothing was derived.",
            stacklevel=3,
        )
        return []
    found = found_of(tuner, derived)
    if halving and len(found) > 1:
        found = _with_second_opinions(tuner, halving, found, validation, tolerance)
    scored.keep(tuner, found)
    results.write_found(_path(tuner), found, len(oracle.end_order), tuner.resources.get_config())
    return found


def strategy_of(strategy, hypermodel):
    """Returns the `SuccessiveHalving` that a strategy is, None for `"shared_weights"`.

    Raises:
        ValueError: If it is neither, or not one for this hypermodel.
    """
    if strategy == "successive_halving":
        strategy = SuccessiveHalving()
    if isinstance(strategy, SuccessiveHalving):
        strategy.hypermodel_of(hypermodel)
        return strategy
    if strategy != "shared_weights":
        raise ValueError(
            "The strategy to derive must be 'shared_weights', 'successive_halving' or a "
            f"`keras_enas.SuccessiveHalving`. Received: {strategy!r}."
        )
    return None


def check_prior(tuner, training):
    """Raises `ValueError` if the strategy asks for a prior that these networks do not have.

    Otherwise that would come out when all rounds have been searched.
    """
    halving = strategy_of(tuner.derive_strategy, tuner.hypermodel)
    if halving and halving.prior in INTO_THE_NETWORK:
        with state.seeded(0):
            child = tuner.build_child(tuner.space.architecture([0] * len(tuner.space)))
            training_free_score(halving.prior, child, training.one_batch())


def check_time(tuner):
    """Raises `ValueError` if the strategy would be refused for what is on disk of an earlier one.

    Otherwise that would come out when further rounds have been searched, which it has to follow.
    """
    halving = strategy_of(tuner.derive_strategy, tuner.hypermodel)
    if halving:
        check_replacing(_folder(tuner), _seconds(tuner.budget.allowed(halving)))


def _with_second_opinions(tuner, halving, found, validation, tolerance):
    """The architectures that were found, those trained alone for a while first."""

    def make_training():
        _warn_of_data(training)
        supergraph = tuner.fresh_supergraph(hypermodel=hypermodel)
        judge = tuner.judge_of_trained(supergraph)
        fit = functools.partial(tuner.fit, hypermodel, supergraph)
        return ShortTraining(supergraph, judge, training, validation, fit)

    training = tuner.search_data[0]
    accepts = tuner.resources.accepts
    # What earlier rounds derived may cost more or less than is asked for.
    found = [one for one in found if accepts(one.architecture.indices, tolerance)] or found
    pool, proposals = Pool(tuner, validation, found, halving.prior, tolerance), None
    pool.climb(halving.neighbours)
    if halving.proposals == "surrogate":
        proposals = Surrogate(tuner.space, pool, halving.candidates // 2, tuner.oracle.seed)
    allowed, halving = tuner.budget.allowed(halving), tuner.budget.limited(halving)
    # One of earlier rounds has to be replaced, by what is left; one of these need not.
    of_these = derived_after(tuner) == len(tuner.oracle.end_order)
    replacing = halving.max_cpu_seconds if of_these else _seconds(allowed)
    folder = _folder(tuner)
    hypermodel = halving.hypermodel_of(tuner.hypermodel)
    children = fingerprint_of_children(tuner.space, lambda one: tuner.build_child(one, hypermodel))
    data = [
        training.steps,
        training.described(),
        described(validation.batches),
        children,
        tuner.class_weight and repr(sorted(tuner.class_weight.items())),
    ]
    opinions = halve(
        make_training,
        tuner.space,
        pool,
        halving,
        folder,
        data,
        proposals,
        tuner.say,
        allowed,
        replacing,
    )
    first = [dataclasses.replace(pool.known(i), second_opinion=opinion) for i, opinion in opinions]
    trained = {i for i, _ in opinions}
    rest = [i for i in np.argsort(-pool.rewards(), kind="stable") if i not in trained]
    return [*first, *map(pool.known, rest)]


def _warn_of_data(training):
    if not training.repeats():
        warnings.warn(
            "`x` is a dataset that gives other batches in every iteration: the short trainings of "
            "the second opinion differ by them, too. Give arrays, or a dataset that is the same "
            "each time, such as `Recipe.dataset`.",
            stacklevel=2,
        )


def found(tuner, n, name):
    """Returns the `n` best of what was derived last; derives if nothing was."""
    check_integer(name, n, 1)
    require_rounds(tuner)
    best, after = _read(tuner)
    rounds_done = len(tuner.oracle.end_order)
    if after is None:
        best = tuner.derive()
    elif after != rounds_done:
        warnings.warn(
            f"What was derived is of {after} rounds, and {rounds_done} have ended. Call "
            "`tuner.derive()`, or `search` to the end.",
            stacklevel=3,
        )
    return best[:n]


def derived_after(tuner):
    """After how many rounds `derive` last ran; None if it has not for what is asked for now."""
    _, after, goal = results.read_found(_path(tuner), tuner.space)
    return after if goal == tuner.resources.get_config() else None


def score(tuner, architectures, validation_data, batch_size):
    """Scores architectures with the shared weights; see `ENASTuner.score`."""
    require_rounds(tuner)
    if isinstance(architectures, (str, Architecture)):
        raise ValueError(
            "`architectures` must be a list of `Architecture`s or of their texts, not a single "
            f"one. Received: {architectures!r}."
        )
    validation = search_data.validation_of(tuner, validation_data, batch_size)
    parsed = [tuner.space.parse(a) if isinstance(a, str) else a for a in architectures]
    for one in parsed:
        if not isinstance(one, Architecture) or one.space != tuner.space:
            raise ValueError(f"`architectures`: {one!r} is not of this tuner's space.")
    judge = tuner.judge
    return [judge.score(one.indices, validation) for one in parsed]


def inheriting_child(tuner, architecture):
    """Returns the child with the weights it inherits, its moving averages taken anew."""
    child = tuner.build_child(architecture)
    inherit(tuner.supergraph.network, child, architecture)
    if tuner.search_data is not None:
        recalibrate(child, tuner.search_data[0].some_inputs(20))
    else:
        warnings.warn(
            "This process has not searched and has no training data: the child's moving "
            "averages are the supergraph's, which mix all architectures.",
            stacklevel=3,
        )
    return child


def completed_trials(tuner):
    """The trials of rounds that succeeded, in the order of the rounds."""
    # That of `trials` is another one after a reload.
    trials = [tuner.oracle.trials[i] for i in tuner.oracle.end_order]
    return [trial for trial in trials if trial.status == TrialStatus.COMPLETED]


def require_rounds(tuner):
    """Raises `ValueError` if no round has succeeded, or rounds had another objective."""
    tuner.check_same_objective()
    if not completed_trials(tuner):
        ended = len(tuner.oracle.end_order)
        raise ValueError(
            f"None of the {ended} rounds succeeded: the loss or the rewards were not finite. "
            "Lower the learning rate or look at the data."
            if ended
            else "No round has been searched yet. Call `search` first."
        )


def _read(tuner):
    """What was derived last, and after how many rounds; nothing if it was for another cost.

    Who asks nothing of the cost may read what was derived for one.
    """
    found, after, goal = results.read_found(_path(tuner), tuner.space)
    asked = tuner.resources.get_config()
    if asked is not None and goal != asked:
        return [], None
    return scored.with_costs(tuner, found), after


def _seconds(allowed):
    return None if allowed is None else next(iter(allowed.values()))


def _folder(tuner):
    return os.path.join(tuner.project_dir, "second_opinion")


def _path(tuner):
    return os.path.join(tuner.project_dir, "derived.json")
