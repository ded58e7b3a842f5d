"""`ENASTuner`: KerasTuner's loop, in which one trial is one round of ENAS."""

import dataclasses
import inspect
import json
import os
import time
import warnings

import keras
import keras_tuner
import tensorflow as tf
from keras_tuner.errors import FailedTrialError, FatalRuntimeError

from keras_enas.oracles.checks import check_integer
from keras_enas.rewards import name_of, objective_reward
from keras_enas.search_space import recorded_space
from keras_enas.supergraph import Scorer
from keras_enas.tuner import checks, derivation, search_data
from keras_enas.tuner import round as rounds
from keras_enas.tuner.budget import Budget
from keras_enas.tuner.findings import Findings
from keras_enas.tuner.generations import write_json
from keras_enas.tuner.progress import Progress
from keras_enas.tuner.record import record_of_round
from keras_enas.tuner.resources import COST_ARGUMENTS, NoneNear, Resources
from keras_enas.tuner.shared import SharedWeights, make_supergraph
from keras_enas.tuner.simplest import simplest_of

# What `keras_tuner.Tuner` takes; the rest of the keyword arguments go to the oracle.
_TUNER_ARGUMENTS = (
    "optimizer",
    "loss",
    "metrics",
    "distribution_strategy",
    "directory",
    "project_name",
    "logger",
    "tuner_id",
    "overwrite",
)


class ENASTuner(Findings, keras_tuner.Tuner):
    """Searches a hypermodel's architectures with shared weights (ENAS).

    One trial is one round: the shared weights are trained for `epochs` epochs,
    each step as another architecture (see `sampling`); the oracle learns
    from what its samples score on validation minibatches; the best of some
    samples is derived and becomes the trial's hyperparameters. The score of a
    trial is a score with shared weights. It is meant to rank architectures and is not
    what a trained model scores: `retrain` gives that.

    Args:
        hypermodel: A `keras_tuner.HyperModel`, or a callable `build(hp)`, that
            makes its decisions by `OpChoice`, `InputChoice` and `SkipChoice`
            and returns a compiled functional or sequential model. Other
            hyperparameters stay at their defaults. It may have a method
            `check_shareable()`, which raises `ValueError` if it cannot be searched
            with shared weights, `for_children(recipe)`, which returns the
            hypermodel of the children that `retrain` trains, and `simplest(architecture)`,
            which returns the `Architecture` of the same network without operations that
            go nowhere (only such are derived in the end).
        objective: String or `keras_tuner.Objective`, `val_` and the name of a
            metric of the model.
        max_trials: Integer, the number of rounds.
        oracle: Optional `SearchOracle` in place of an `ENASOracle`; then
            `objective`, `max_trials`, `profile`, `seed` and the oracle's own arguments
            belong to it, and others here are refused.
        warmup_rounds: Integer, rounds at the start in which the shared weights
            are trained but the oracle does not learn.
        sampling: Optional string, which architectures the shared weights are trained as:
            `"controller"`, those that the oracle samples (the paper); `"uniform"`;
            `"fair"`, uniform, and every candidate equally often (FairNAS);
            `"sandwich"`, uniform, and the largest and the smallest in every update,
            which needs at least two `architectures_per_step`.
            Default `"fair"` (docs/training-and-deriving.md says why), but
            `"controller"` with a published `profile`, and with a `cost_limit`, which
            goes with no other.
        architectures_per_step: Integer, how many architectures each batch is
            trained as; the weights are updated by the mean of their gradients. A
            step then takes that many times as long. FairNAS has as many as a
            decision has candidates. More than one do not go with a loss scale
            (`mixed_float16`; `mixed_bfloat16` has none) or with several replicas.
        controller_updates: Integer, updates of the oracle a round (released
            code: 50).
        samples_per_update: Optional integer, architectures an update; default the
            oracle's own, which for an `ENASOracle` is that of its profile; 20 if that
            is 1, which is meant for trials that each train a child.
        derive_samples: Integer, architectures sampled to derive one at the end
            of a round.
        derive_batches: Integer or None, on how many validation batches they are
            scored (None: all).
        final_samples: Integer, architectures sampled when the search ends
            (`derive`), scored on all validation batches.
        derive_strategy: `"shared_weights"`: the best score of these wins (the paper).
            `"successive_halving"` or a `keras_enas.SuccessiveHalving`: the best of
            them are trained alone for a while.
        max_cpu_seconds: Optional number, process CPU time that the search may take. No
            further round begins if one like those so far would be too much, or after
            `max_trials`. For a second opinion the share of it that
            `SuccessiveHalving.share` says is kept; it has what is left when
            `final_samples` are scored, and ends before that when all its `candidates` are
            trained. Without one that scoring comes on top. Of earlier processes of a search
            that was interrupted the rounds count that had ended. Since time is measured,
            such a search does not end alike twice.
        reward: Callable from the dict of metrics and the objective to a float,
            higher is better; default: the objective itself. `keras_enas.LinearProbe()`
            asks how well the features tell the labels. It is not on disk: a search that
            goes on must be given the one that it began with, told by its name or `repr`
            (so one lambda, or one function with other values bound, passes for another).
        profile: String, of the controller: see `ENASOracle`.
        seed: Optional integer. 0 is a seed.
        **kwargs: Arguments of `keras_tuner.Tuner` (`directory`, `project_name`,
            `overwrite`, `distribution_strategy`, `optimizer`, `loss`,
            `metrics`); `cost`, `cost_target`, `cost_weight`, `cost_limit` and
            `cost_tolerance`: see `keras_enas.tuner.resources.Resources`;
            further arguments of `ENASOracle` (`hyperparameters`,
            `tune_new_entries`, `allow_new_entries`, `max_retries_per_trial`,
            `max_consecutive_failed_trials`: that many rounds in a row whose
            loss is not finite end the search); and settings of the controller
            (`keras_enas.controllers.ControllerSettings`).

    Raises:
        ValueError: If an argument does not fit, or the hypermodel makes no
            choices, or the project on disk is of another search space.
    """

    def __init__(
        self,
        hypermodel,
        objective="val_accuracy",
        max_trials=30,
        oracle=None,
        warmup_rounds=0,
        sampling=None,
        architectures_per_step=1,
        controller_updates=10,
        samples_per_update=None,
        derive_samples=10,
        derive_batches=10,
        final_samples=100,
        derive_strategy="shared_weights",
        max_cpu_seconds=None,
        reward=None,
        profile="default",
        seed=None,
        **kwargs,
    ):
        checks.refuse_arguments(kwargs)
        own = inspect.signature(ENASTuner).parameters
        checks.refuse_unknown(kwargs, [*own, *_TUNER_ARGUMENTS, *COST_ARGUMENTS])
        tuner_kwargs = {k: kwargs.pop(k) for k in _TUNER_ARGUMENTS if k in kwargs}
        cost_kwargs = {k: kwargs.pop(k) for k in COST_ARGUMENTS if k in kwargs}
        checks.check_counts(
            warmup_rounds, controller_updates, samples_per_update, derive_samples, derive_batches
        )
        check_integer("final_samples", final_samples, 1)
        halving = derivation.strategy_of(derive_strategy, hypermodel)
        checks.check_seconds(max_cpu_seconds)
        self.budget = Budget(max_cpu_seconds, halving)
        checks.check_sampling(sampling, architectures_per_step)
        if oracle is None and samples_per_update is not None:
            kwargs["samples_per_update"] = samples_per_update
        oracle = checks.oracle_of(oracle, objective, max_trials, profile, seed, kwargs)
        checks.check_reward(reward)
        checks.check_objective(oracle.objective)
        # All checks come before the base constructor: with `overwrite` it removes the project.
        self._declared = checks.declare(hypermodel, oracle, reward)
        space = recorded_space(self._declared)
        self.simplest = simplest_of(hypermodel, space)
        self.resources = Resources(hypermodel, self.build_child, space, **cost_kwargs)
        sampling = checks.sampling_of(sampling, oracle, self.resources.goal.limited)
        checks.check_directory(tuner_kwargs.get("directory"), tuner_kwargs.get("project_name"))
        oracle.by_rounds = True
        self.settings = rounds.RoundSettings(
            warmup_rounds=warmup_rounds,
            sampling=sampling,
            architectures_per_step=architectures_per_step,
            controller_updates=controller_updates,
            samples_per_update=samples_per_update or checks.samples_of(oracle),
            derive_samples=derive_samples,
            derive_batches=derive_batches,
        )
        self.final_samples = final_samples
        self.derive_strategy = derive_strategy
        self.reward_function = reward or objective_reward
        self._rewarded_by = name_of(self.reward_function)
        self._ranked_by = self._own_objective(oracle)
        self._minded = self.resources.get_minded()
        self.search_data = self.class_weight = None
        # `reload` runs in the base constructor: what it needs is set above.
        super().__init__(oracle, hypermodel, **tuner_kwargs)
        self.oracle.verbose = 0
        self._shared = SharedWeights(
            lambda: self.fresh_supergraph(
                architectures_per_step=self.settings.architectures_per_step
            ),
            lambda supergraph: Scorer(supergraph, self._listener),
            oracle,
            os.path.join(self.project_dir, "shared"),
        )
        # KerasTuner does not call it for a project on disk, which may be of another space: this
        # compares, and names the difference.
        self._populate_initial_space()
        self.resources.open(os.path.join(self.project_dir, "costs.jsonl"))
        others = [p.name for p in self._other_hyperparameters()]
        if others:
            print(f"Hyperparameters kept at their defaults while weights are shared: {others}")

    # The space and the supergraph.

    def _populate_initial_space(self):
        self.oracle.set_space(recorded_space(self._declared))
        self.oracle.update_space(self._declared)

    def _other_hyperparameters(self):
        decisions = {decision.name for decision in self.space}
        return [p for p in self.oracle.hyperparameters.space if p.name not in decisions]

    @property
    def space(self):
        """The `SearchSpace` of the hypermodel."""
        return self.oracle.space

    @property
    def supergraph(self):
        """The `Supergraph` with the weights of the newest round, built when first needed."""
        return self._shared.supergraph

    @property
    def judge(self):
        """The `Judge` that scores architectures with the shared weights."""
        _ = self.supergraph
        objective, reward = self.oracle.objective, self.reward_function
        return self.resources.judging(rounds.Judge(self._shared.scorer, objective, reward))

    @property
    def has_own_reward(self):
        """Whether architectures are ranked by another reward than the objective."""
        return self.reward_function is not objective_reward

    @property
    def _listener(self):
        """The reward, if it adds metrics of its own to those of the network."""
        return self.reward_function if hasattr(self.reward_function, "listening") else None

    def judge_of_trained(self, supergraph):
        """Returns the `Judge` of architectures that are trained alone in another `Supergraph`.

        What is trained has the cost that is asked for, and a head of its own: neither the cost
        nor a probe in place of a shared head has a say.
        """
        reward = objective_reward if self._listener else self.reward_function
        return rounds.Judge(Scorer(supergraph), self.oracle.objective, reward)

    def fresh_supergraph(self, seed=None, architectures_per_step=1, hypermodel=None):
        """Builds another `Supergraph` of the space, with initial weights.

        Args:
            seed: Optional integer, of the weights; default the tuner's.
            architectures_per_step: As in `Supergraph`.
            hypermodel: As in `build_child`.
        """
        with self._scope():
            return make_supergraph(
                hypermodel or self.hypermodel,
                self._other_hyperparameters(),
                self.space,
                self.oracle.seed if seed is None else seed,
                self._override_compile_args,
                architectures_per_step,
            )

    def _override_compile_args(self, model):
        # KerasTuner's own hands the wrapper that Keras 3 has around metrics on as a metric.
        if self.optimizer or self.loss or self.metrics:
            optimizer = self.optimizer or model.optimizer
            if isinstance(optimizer, keras.Optimizer):
                optimizer = type(optimizer).from_config(optimizer.get_config())
            wrapper = model._compile_metrics
            with self._scope():
                model.compile(
                    optimizer=optimizer,
                    loss=self.loss or model.loss,
                    metrics=self.metrics or (wrapper and wrapper._user_metrics),
                )

    def _scope(self):
        strategy = self.distribution_strategy or tf.distribute.get_strategy()
        return strategy.scope()

    # The search.

    def search(
        self,
        x,
        y=None,
        *,
        validation_data=None,
        validation_split=0.0,
        batch_size=32,
        epochs=1,
        callbacks=None,
        verbose="auto",
        class_weight=None,
        sample_weight=None,
        shuffle=True,
        steps_per_epoch=None,
        validation_batch_size=None,
        validation_steps=None,
    ):
        """Searches; rounds that have been searched are not searched again.

        Args:
            x: Arrays, or a `tf.data.Dataset` or `keras.utils.PyDataset` of batches,
                which come in the order that it gives. A search of arrays, of what
                `Recipe.dataset` returns, or of a dataset that is the same in every
                iteration can be repeated and resumed bit for bit; one of a dataset
                with a state of its own (`shuffle`, random layers) cannot be resumed so.
            y: Labels, or None for a dataset.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or a dataset of
                batches. Its architectures' scores are the rewards, so keep test
                data apart.
            validation_split: Float, the last share of the arrays, in place of
                `validation_data`.
            batch_size: Integer, for arrays.
            epochs: Integer, epochs of shared-weight training a round.
            callbacks: List of `keras.callbacks.Callback`. They are used as they
                are, not copied, and see the epochs of the whole search;
                `on_train_begin` is called in every round.
            verbose: `"auto"` or 1: a line a round; 2: also Keras's progress
                bar; 0: nothing.
            class_weight: As in `fit`.
            sample_weight: As in `fit`.
            shuffle: Boolean, for arrays.
            steps_per_epoch: Optional integer.
            validation_batch_size: Integer, for arrays; default `batch_size`, or what
                the reward needs if that is more.
            validation_steps: Optional integer, validation batches at most.

        Raises:
            ValueError: If the data do not fit, or rounds on disk had another objective or
                reward or, if there are rounds to come, another cost, or a second opinion that
                took longer than the next may; nothing has been written then.
        """
        for name, value, optional in (
            ("batch_size", batch_size, False),
            ("epochs", epochs, False),
            ("steps_per_epoch", steps_per_epoch, True),
            ("validation_batch_size", validation_batch_size, True),
            ("validation_steps", validation_steps, True),
        ):
            check_integer(name, value, 1, optional=optional)
        if class_weight is not None and sample_weight is not None:
            raise ValueError("Give `class_weight` or `sample_weight`, not both.")
        self.check_same_objective()
        self.check_same_reward()
        minded = self.resources.get_minded()
        if not self.oracle.end_order:
            self._minded = minded
        elif self._goes_on():
            checks.check_same_cost(self._minded, minded)
            derivation.check_time(self)
        self._rewarded_by = name_of(self.reward_function)
        self._ranked_by = self._own_objective(self.oracle)
        self.budget.begin(self)
        training, validation = search_data.prepare(
            lambda: self.supergraph.network,
            self.oracle.seed,
            x,
            y,
            validation_data,
            validation_split,
            sample_weight,
            batch_size,
            shuffle,
            steps_per_epoch,
            validation_batch_size,
            validation_steps,
            checks.least_batch(self.reward_function),
        )
        search_data.check_metric(self.supergraph, self.oracle.objective, validation.batches[0])
        checks.check_reward_on(self.reward_function, self.supergraph.network, validation.batches)
        derivation.check_prior(self, training)
        self.search_data, self.class_weight = (training, validation), class_weight
        self.settings = dataclasses.replace(self.settings, epochs=epochs)
        self._fit_arguments = {
            "callbacks": list(callbacks) if isinstance(callbacks, (list, tuple)) else callbacks,
            "verbose": 1 if verbose == 2 else 0,
        }
        total = self.oracle.max_trials if self.budget.unlimited else None
        self._progress = Progress(total, verbose != 0)
        super().search()

    def check_same_objective(self):
        """Raises `ValueError` if the rounds on disk had another objective than there is now."""
        if self.oracle.end_order:
            checks.check_same_objective(self._ranked_by, self._own_objective(self.oracle))

    @staticmethod
    def _own_objective(oracle):
        return [oracle.objective.name, oracle.objective.direction]

    def check_same_reward(self):
        """Raises `ValueError` if the rounds on disk had another reward than there is now."""
        if self.oracle.end_order:
            checks.check_same_reward(self._rewarded_by, self.reward_function)

    def _goes_on(self):
        """Whether there may be rounds to come. (Where not, another choice may be asked for.)"""
        rounds_left = len(self.oracle.end_order) < self.oracle.max_trials
        return rounds_left and not self.budget.is_over(self)

    def run_trial(self, trial, *args, **kwargs):
        """Runs one round; see `round.py` for the algorithm.

        Args:
            trial: A `keras_tuner` trial, whose number is the round's.

        Returns:
            Dict of metrics, the objective among them.
        """
        number = int(trial.trial_id)
        try:
            return self._run_round(trial, number)
        except FailedTrialError as error:
            # It must not be learned from. The next round begins where this one began.
            self._shared.restore(number)
            warnings.warn(f"{error} What it began with is restored.", stacklevel=2)
            raise
        except Exception as error:
            self._shared.restore(number)
            # KerasTuner would file any error under failed trials and go on.
            raise FatalRuntimeError(f"Round {trial.trial_id} stopped: {error}") from error
        except BaseException:
            # Interrupted in a notebook, say, where `search` may be called again.
            self._shared.restore(number)
            raise

    def _run_round(self, trial, number):
        self._progress.begin()
        record = self._shared.load(number + 1)
        began = time.process_time()
        searched_before = record is not None
        if not searched_before:
            self._shared.begin()
            record = record_of_round(self, self._fit, number)
            self._shared.commit(number + 1, record)
        architecture = self.space.parse(record["architecture"])
        trial.hyperparameters.values.update(architecture.values)
        # Not in the generation, which is the same whether the search was interrupted or not.
        path = os.path.join(self.get_trial_dir(trial.trial_id), "round.json")
        seconds = time.process_time() - began
        if searched_before and os.path.exists(path):
            # It was killed right after that: loading it took nearly nothing.
            with open(path, encoding="utf-8") as file:
                seconds += json.load(file)["cpu_seconds"]
        write_json(path, {**record, "cpu_seconds": seconds})
        self._progress.end(number, record)
        reported = {k: v for k, v in record.items() if isinstance(v, float)}
        return {**reported, self.oracle.objective.name: record["derived"]}

    def _fit(self, dataset, **kwargs):
        return self.fit(self.hypermodel, self.supergraph, dataset, **self._fit_arguments, **kwargs)

    def fit(self, hypermodel, supergraph, dataset, **kwargs):
        """Fits a supergraph by its hypermodel's own `fit`, with the `class_weight` of the search.

        Args:
            hypermodel: The `keras_tuner.HyperModel` of the supergraph.
            supergraph: A `Supergraph`.
            dataset: `tf.data.Dataset` of batches.
            **kwargs: As in `keras.Model.fit`.

        Returns:
            What that returns, a `keras.callbacks.History` by default.
        """
        space = self.oracle.get_space()
        return hypermodel.fit(space, supergraph, dataset, class_weight=self.class_weight, **kwargs)

    def pre_create_trial(self):
        """Ends the search when the time for its rounds is spent."""
        if self.budget.is_spent(self):
            self.say("The time for rounds is spent.")
            # KerasTuner has no other way to be told.
            self.oracle.max_trials = len(self.oracle.start_order)
            self.save()

    def on_search_begin(self):
        """Writes the tuner's file: without it a new process would not reload the project."""
        self.save()

    def on_search_end(self):
        """Derives from the controller as it ended, once for each number of rounds."""
        rounds_done = len(self.oracle.end_order)
        if 0 < rounds_done <= self.settings.warmup_rounds and self.settings.controller_updates:
            warnings.warn(
                f"The oracle has learned nothing: all {rounds_done} rounds were among the "
                f"`warmup_rounds`, {self.settings.warmup_rounds}. Give more rounds, or more time.",
                stacklevel=2,
            )
        if rounds_done and derivation.derived_after(self) != rounds_done:
            try:
                self.derive()
            except NoneNear as error:
                warnings.warn(f"Nothing was derived. {error}", stacklevel=2)

    # Small things.

    def build_child(self, architecture, hypermodel=None):
        """Builds the untrained, compiled child of an `Architecture`.

        Args:
            architecture: An `Architecture`.
            hypermodel: Optional `keras_tuner.HyperModel` of the same space in place
                of the one that was searched.
        """
        hp = architecture.to_hyperparameters(self.oracle.get_space())
        if hypermodel is None:
            return self._build_hypermodel(hp)
        with self._scope():
            model = hypermodel.build(hp)
            self._override_compile_args(model)
        return model

    def say(self, text):
        """Prints a line if a search of this process shows its progress."""
        if self.search_data is not None:
            self._progress.say(text)

    def get_state(self):
        """What is on disk of the tuner itself: how rounds were rewarded, whether they are over."""
        return {
            **super().get_state(),
            "objective": self._ranked_by,
            "reward": self._rewarded_by,
            "cost": self._minded,
            "budget": self.budget.get_state(),
        }

    def set_state(self, state):
        """Notes what the rounds on disk were rewarded by, and whether they are over."""
        super().set_state(state)
        self._ranked_by = state.get("objective", self._ranked_by)
        self._rewarded_by = state.get("reward", self._rewarded_by)
        self._minded = state.get("cost", self._minded)
        self.budget.set_state(state.get("budget"))

    def save(self):
        """Writes the oracle's state; the shared weights are written by each round."""
        self.oracle.save()
        write_json(self._get_tuner_fname(), self.get_state())
