"""What every search strategy shares: KerasTuner's oracle on two verbs."""

import json
import os
import random
import time
import warnings

import keras_tuner
import numpy as np
from keras_tuner.engine.hyperparameters import HyperParameters
from keras_tuner.engine.trial import TrialStatus

from keras_enas.oracles import checks
from keras_enas.oracles import state as files
from keras_enas.oracles.untried import untried
from keras_enas.oracles.workers import Workers
from keras_enas.search_space import SearchSpace, recorded_space

# How long a worker that has to wait is kept from asking again. KerasTuner's loop asks at once, and
# its chief answers one worker at a time, so that others wait for their answer meanwhile.
IDLE_SECONDS = 0.2


class SearchOracle(keras_tuner.Oracle):
    """A search strategy: it proposes architectures and learns from their rewards.

    A subclass implements the two verbs, as `_sample` and `_learn`, which get
    checked arguments, and `_get_learned` and `_set_learned` if there is
    something to save; all else has a default on these. Driven by
    `ENASTuner` it searches with shared weights, hundreds of samples a round;
    driven by a stock `keras_tuner.Tuner` each trial trains one child by itself, none
    twice: what has been tried is drawn again, or looked for near by, and when
    every architecture of the space has been tried the search stops.

    With KerasTuner's chief and workers a trial whose worker was killed is given to another
    one, and nobody leaves while a trial may still be lost.

    The space is taken from the hypermodel: `update_space` reads the decisions
    which `build(hp)` made.

    Args:
        objective: As in `keras_tuner.Oracle`.
        max_trials: Integer, the most trials to run, or None for no limit.
        seed: Optional integer. 0 is a seed; None draws one.
        samples_per_update: Integer, how many architectures `learn` is called
            with: under a stock tuner so many trials are collected before, under
            `ENASTuner` so many are sampled for it (20 if that is 1), unless it is told
            otherwise.
        worker_timeout: Optional number, seconds after which a worker that runs a trial
            and was not heard of counts as lost. A worker is not heard of while it trains:
            give more than the longest trial takes. None is five times the longest
            trial so far and at least ten minutes, and for ever until a first trial has
            ended; `math.inf` waits for ever, as KerasTuner does. A worker started again
            under its name goes on with its trial at once.
        **kwargs: As in `keras_tuner.Oracle`: `hyperparameters`,
            `tune_new_entries`, `allow_new_entries`, `max_retries_per_trial`,
            `max_consecutive_failed_trials`.

    Attributes:
        by_rounds: Boolean. True when a trial is a round of a tuner that calls
            `sample` and `learn` itself and stores `get_arrays()`: then
            `populate_space` proposes the most likely architecture,
            `score_trial` does not learn, and no arrays are written here.

    Raises:
        ValueError: If an argument is of no use; the message names it.
    """

    def __init__(
        self,
        objective=None,
        max_trials=100,
        seed=None,
        samples_per_update=1,
        worker_timeout=None,
        **kwargs,
    ):
        checks.check_integer("max_trials", max_trials, 1, optional=True)
        checks.check_integer("seed", seed, 0, most=2**31 - 1, optional=True)
        checks.check_integer("samples_per_update", samples_per_update, 1)
        checks.check_timeout(worker_timeout)
        super().__init__(objective=objective, max_trials=max_trials, **kwargs)
        # KerasTuner takes a seed of 0 for none.
        self.seed = random.randint(1, 10000) if seed is None else int(seed)
        self._seed_state = self.seed
        self.samples_per_update = samples_per_update
        self.by_rounds = False
        self._space = None
        self._draws = 0
        self._pending = []
        self._last = {}
        self._workers = Workers(worker_timeout)
        # What every trial has, `{trial_id: indices}`.
        self._architectures = {}
        # Arrays on disk: the number of the file, and whether it is out of date.
        self._file_number = 0
        self._changed = True

    # The two verbs.

    def sample(self, n):
        """Draws architectures.

        It never changes what was learned: only the draw counter advances, so
        that the next call draws others.

        Args:
            n: Integer, how many.

        Returns:
            int32 array `(n, decisions)`.

        Raises:
            ValueError: If `n` is not a positive integer, or no space is set.
        """
        checks.check_integer("n", n, 1)
        self._require_space()
        architectures = self._sample(int(n), (self.seed, self._draws))
        self._draws += 1
        self._changed = True
        return architectures

    def learn(self, architectures, rewards):
        """Learns from architectures and what they earned.

        A reward that is NaN or infinite is dropped with a warning.

        Args:
            architectures: Integer array-like `(n, decisions)`.
            rewards: Float array-like `(n,)`, higher is better.

        Raises:
            ValueError: If a shape or an entry does not fit the space.
        """
        self._require_space()
        architectures, rewards = checks.checked_samples(self._space, architectures, rewards)
        finite = np.isfinite(rewards)
        dropped = int(np.sum(~finite))
        if dropped:
            warnings.warn(
                f"{dropped} of {len(rewards)} rewards are NaN or infinite. They are not learned "
                "from.",
                stacklevel=2,
            )
        rewards = rewards[finite]
        self._last = {"num_learned": len(rewards), "num_dropped": dropped}
        if len(rewards):
            self._last["mean_reward"] = float(np.mean(rewards))
            self._last.update(self._learn(architectures[finite], rewards) or {})
        self._changed = True

    def _sample(self, n, seed):
        """Draws `(n, decisions)`; `seed`, a pair of integers, is the only source of chance."""
        raise NotImplementedError

    def _learn(self, architectures, rewards):
        """Learns from finite rewards; returns a dict of what is worth recording, or None."""
        raise NotImplementedError

    def most_likely(self):
        """The likeliest candidate of every decision, int32 `(decisions,)`; no chance in it."""
        return np.array([np.argmax(p) for p in self.probabilities().values()], np.int32)

    def probabilities(self):
        """Marginal probabilities, `{decision name: float array (candidates,)}`.

        Here the frequencies in a fixed sample, for a strategy that knows no better.
        """
        self._require_space()
        drawn = self._sample(256, (self.seed, 0))
        return {
            decision.name: np.bincount(drawn[:, i], minlength=len(decision.candidates)) / 256
            for i, decision in enumerate(self._space)
        }

    def diagnostics(self):
        """What the last `learn` saw.

        Returns:
            Dict with `num_learned`, `num_dropped`, `mean_reward`, what the
            strategy adds (such as `baseline` and `gradient_norm`), `entropy` in
            nats (summed over decisions, unless the strategy has a truer one) and
            `probabilities`.
        """
        probabilities = self.probabilities()
        entropy = -sum(
            float(np.sum(p * np.log(p, where=p > 0, out=np.zeros_like(p))))
            for p in probabilities.values()
        )
        return {"entropy": entropy, **self._last, "probabilities": probabilities}

    # The space.

    @property
    def space(self):
        """The `SearchSpace`, None before it is known."""
        return self._space

    def set_space(self, space):
        """Sets the space, once.

        Args:
            space: A `SearchSpace`. An equal one may be set again.

        Raises:
            ValueError: If it has no decisions or another space is set.
        """
        if not len(space):
            raise ValueError(checks.NO_SPACE)
        if self._space is None:
            self._space = space
        elif self._space != space:
            raise ValueError(
                "The hypermodel's choices are not those that this search began with: "
                f"{self._space.difference(space)}. Choices must not depend on other "
                "hyperparameters; after a change of the hypermodel pass `overwrite=True` or "
                "another `project_name`."
            )

    def update_space(self, hyperparameters):
        """Adds new hyperparameters, as KerasTuner does, and reads the decisions noted on them."""
        super().update_space(hyperparameters)
        space = recorded_space(hyperparameters)
        if len(space):
            checks.check_tunable(space, self.hyperparameters)
            self.set_space(space)

    def _require_space(self):
        if self._space is None:
            raise ValueError(checks.NO_SPACE)

    # KerasTuner's face.

    def populate_space(self, trial_id):
        """Proposes an architecture; other hyperparameters stay at their default."""
        self._require_space()
        if not (self.by_rounds or self.trials):
            checks.warn_of_too_few_trials(self)
        chosen = self.most_likely() if self.by_rounds else self._untried()
        if chosen is None:
            return {"status": TrialStatus.STOPPED}
        hps = HyperParameters()
        for hp in self.hyperparameters.space:
            hps.merge([hp])
            if hps.is_active(hp):
                hps.values[hp.name] = hp.default
        hps.values.update(self._space.architecture(chosen).values)
        return {"status": TrialStatus.RUNNING, "values": hps.values}

    def _untried(self):
        """An architecture that no trial has had, or None."""
        for trial_id in self.trials.keys() - self._architectures.keys():
            values = self.trials[trial_id].hyperparameters.values
            self._architectures[trial_id] = self._space.from_values(values).indices
        tried = {self._architectures[trial_id] for trial_id in self.trials}
        rng = np.random.default_rng((self.seed, self._draws, 1))
        return untried(self._space, lambda: self.sample(1)[0], tried, rng)

    def create_trial(self, tuner_id):
        """Gives a worker a trial; one that has to wait is kept for a moment, the lock free."""
        trial, lost, failure = self._next_trial(tuner_id)
        for message in lost:
            warnings.warn(message, stacklevel=2)
        if failure is not None:
            raise failure
        if trial.status == TrialStatus.IDLE:
            time.sleep(IDLE_SECONDS)
        return trial

    @keras_tuner.synchronized
    def _next_trial(self, tuner_id):
        self._workers.heard(tuner_id)
        lost, failure = self._workers.give_back_lost(self)
        if failure is not None:
            return None, lost, failure
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.RUNNING:
            self._workers.begins(trial.trial_id)
        elif trial.status == TrialStatus.STOPPED and self._workers.anyone_out(self, tuner_id):
            # There is nothing to do, unless one of those who are still at work is lost.
            self.tuner_ids.add(tuner_id)
            trial.status = TrialStatus.IDLE
        return trial, lost, None

    def get_trial(self, trial_id):
        """Returns a trial, as KerasTuner does."""
        self._workers.heard_about(self, trial_id)
        return super().get_trial(trial_id)

    @keras_tuner.synchronized
    def update_trial(self, trial_id, metrics, step=0):
        """Notes what a trial reports, unless another worker has brought it to its end."""
        self._workers.heard_about(self, trial_id)
        if trial_id in self.end_order:
            return self.trials[trial_id]
        return super().update_trial(trial_id, metrics, step)

    def end_trial(self, trial):
        """Ends a trial as KerasTuner does, once, whoever reports it first.

        Raises:
            RuntimeError: After too many failures in a row, the lock free. (KerasTuner raises
                it with the lock held, and every other worker waits for ever.)
        """
        failure = self._end_trial(trial)
        if failure is not None:
            raise failure

    @keras_tuner.synchronized
    def _end_trial(self, trial):
        self._workers.heard_about(self, trial.trial_id)
        if trial.trial_id in self.end_order:
            return None
        if trial.trial_id in self._retry_queue:
            # Its worker was given up and has come back.
            self._retry_queue.remove(trial.trial_id)
        self._workers.ends(trial.trial_id)
        try:
            super().end_trial(trial)
        except RuntimeError as failure:
            return failure
        return None

    def score_trial(self, trial):
        """Scores a trial as KerasTuner does and learns from it, higher being better."""
        super().score_trial(trial)
        if self.by_rounds or self._space is None:
            return
        if not np.isfinite(trial.score):
            warnings.warn(
                f"Trial {trial.trial_id} scored {trial.score}. It is not learned from.",
                stacklevel=2,
            )
            return
        architecture = self._space.from_values(trial.hyperparameters.values)
        sign = 1.0 if self.objective.direction == "max" else -1.0
        self._pending.append((np.array(architecture.indices, np.int32), sign * trial.score))
        self._changed = True
        if len(self._pending) >= self.samples_per_update:
            self.learn(*self._take_pending())

    def _take_pending(self):
        architectures = np.array([a for a, _ in self._pending], np.int32)
        rewards = np.array([reward for _, reward in self._pending], np.float64)
        self._pending = []
        return architectures.reshape(-1, len(self._space)), rewards

    # State.

    def get_arrays(self):
        """Everything that the oracle will need to go on: `{name: array}`.

        That is what was learned, the optimizer, the baseline, the seed, the
        draw counter and the trials that wait for the next update.
        """
        arrays = {"seed": np.int64(self.seed), "draws": np.int64(self._draws)}
        if self._space is not None:
            pending = list(self._pending)
            arrays["pending/architectures"], arrays["pending/rewards"] = self._take_pending()
            self._pending = pending
            arrays.update({f"learned/{k}": v for k, v in self._get_learned().items()})
        return arrays

    def set_arrays(self, arrays):
        """Puts back what `get_arrays` returned; the space must be set first.

        Raises:
            ValueError: If names or shapes do not fit; then nothing is changed.
        """
        arrays = {name: np.asarray(array) for name, array in arrays.items()}
        own, pending = ["seed", "draws"], []
        if self._space is not None:
            own += ["pending/architectures", "pending/rewards"]
        checks.check_array_names(arrays, own, learns=self._space is not None)
        if self._space is not None:
            waiting = arrays["pending/architectures"], arrays["pending/rewards"]
            pending = list(zip(*checks.checked_samples(self._space, *waiting), strict=True))
            learned = {k: v for k, v in arrays.items() if k not in own}
            self._set_learned({k.removeprefix("learned/"): v for k, v in learned.items()})
        self.seed, self._draws = int(arrays["seed"]), int(arrays["draws"])
        self._pending = [(architecture, float(reward)) for architecture, reward in pending]
        self._changed = True

    def _get_learned(self):
        """What the strategy learned, `{name: array}`."""
        return {}

    def _set_learned(self, arrays):
        """Puts it back; `ValueError` before anything is changed if it does not fit."""
        if arrays:
            raise ValueError(
                f"`arrays` has {sorted(arrays)}, but {type(self).__name__} learns nothing."
            )

    def get_state(self):
        """KerasTuner's state, the space, and the name of the file with the arrays."""
        named = self._file_number and not self.by_rounds
        return {
            **super().get_state(),
            "space": None if self._space is None else self._space.get_config(),
            "arrays": self._arrays_name() if named else None,
        }

    def set_state(self, state):
        space, arrays = state["space"], state["arrays"]
        super().set_state(state)
        if space is not None:
            self.set_space(SearchSpace.from_config(space))
        if arrays is not None:
            self.set_arrays(files.read_arrays(os.path.join(self._project_dir, arrays)))
            self._file_number = int(arrays.rpartition("-")[2].partition(".")[0])
            self._changed = False

    def save(self):
        """Writes the state so that a kill at any moment leaves the old or the new one."""
        written = self._changed and not self.by_rounds
        if written:
            # The arrays come first, under a name that no oracle.json knows yet.
            self._file_number += 1
            path = os.path.join(self._project_dir, self._arrays_name())
            files.write_atomically(path, files.arrays_to_bytes(self.get_arrays()))
        text = json.dumps(self.get_state())
        files.write_atomically(self._get_oracle_fname(), text.encode())
        if written:
            self._changed = False
            files.remove_others(self._project_dir, "controller-*.npz", self._arrays_name())
        return text

    def _arrays_name(self):
        return f"controller-{self._file_number:06d}.npz"

    def _save_trial(self, trial):
        path = os.path.join(self._get_trial_dir(trial.trial_id), "trial.json")
        files.write_atomically(path, json.dumps(trial.get_state()).encode())

    def reload(self):
        """Reads the state; a trial that was under way will start over."""
        super().reload()
        files.mend_trials(self)
