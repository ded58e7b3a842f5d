"""Workers of a search in parallel: who was heard of when, and whose trial is given to another."""

import collections
import math
import time

from keras_tuner.engine.trial import Trial, TrialStatus

from keras_enas.oracles.state import forget_report

# Without a timeout given: so many times the longest trial, and never less than this.
PATIENCE_FACTOR = 5
LEAST_PATIENCE = 600.0
# Who waits for a trial asks again several times a second; who is silent for longer is at work.
IDLE_SILENCE = 5.0
# A trial that takes down so many workers will take down the next one.
MAX_LOSSES = 3


class Workers:
    """Notes when each worker was last heard of, and returns the trials of those who are lost.

    KerasTuner gives a trial to a worker and waits for its end. A worker that was killed
    never reports it: the trial is never trained, and the chief never ends. A worker is
    heard of whenever it asks for a trial or reports on one, not while it trains; so one that
    has been silent much longer than any trial took counts as lost.

    Args:
        timeout: Seconds, None for five times the longest trial so far and at least
            ten minutes, or `math.inf` for ever.
        clock: Callable that returns seconds.
    """

    def __init__(self, timeout=None, clock=time.monotonic):
        self._timeout = timeout
        self._clock = clock
        self._heard = {}
        self._began = {}
        self._longest = None
        self._losses = collections.Counter()

    @property
    def patience(self):
        """Seconds of silence after which a worker is lost; infinite before anything is known."""
        if self._timeout is not None:
            return self._timeout
        if self._longest is None:
            return math.inf
        return max(LEAST_PATIENCE, PATIENCE_FACTOR * self._longest)

    def heard(self, tuner_id):
        """A worker has asked or reported."""
        self._heard[tuner_id] = self._clock()

    def heard_about(self, oracle, trial_id):
        """Someone has asked or reported about a trial: who runs it."""
        for tuner_id, trial in list(oracle.ongoing_trials.items()):
            if trial.trial_id == trial_id:
                self.heard(tuner_id)

    def begins(self, trial_id):
        """A trial has been given to a worker."""
        self._began.setdefault(trial_id, self._clock())

    def ends(self, trial_id):
        """A trial has been reported."""
        began = self._began.pop(trial_id, None)
        if began is not None:
            self._longest = max(self._longest or 0.0, self._clock() - began)

    def _silence(self, tuner_id):
        return self._clock() - self._heard.setdefault(tuner_id, self._clock())

    def give_back_lost(self, oracle):
        """Puts the trials of lost workers on the retry queue of an oracle whose lock is held.

        Returns:
            List of sentences, one for each, and an error that ends the search, or None. To be
            warned of and raised when the lock is free: an exception would keep it for ever.
        """
        lost, failure = [], None
        for tuner_id in sorted(oracle.tuner_ids | set(oracle.ongoing_trials)):
            if self._silence(tuner_id) <= self.patience:
                continue
            oracle.tuner_ids.discard(tuner_id)
            trial = oracle.ongoing_trials.get(tuner_id)
            if trial is None:
                continue
            self._began.pop(trial.trial_id, None)
            self._losses[trial.trial_id] += 1
            lost.append(
                f"Nothing was heard of worker '{tuner_id}' for {self._silence(tuner_id):.0f} s. "
                f"Its trial {trial.trial_id} is taken from it."
            )
            if self._losses[trial.trial_id] < MAX_LOSSES:
                del oracle.ongoing_trials[tuner_id]
                forget_report(trial)
                oracle._retry_queue.append(trial.trial_id)
            else:
                message = f"It was lost with {MAX_LOSSES} workers, one after the other."
                failed = Trial(trial.hyperparameters, trial.trial_id, TrialStatus.FAILED, message)
                try:
                    oracle.end_trial(failed)
                except RuntimeError as error:
                    failure = error
        return lost, failure

    def anyone_out(self, oracle, tuner_id):
        """Whether another worker may still need help: it has a trial, or is silent."""
        if self.patience == math.inf and self._timeout is not None:
            return False
        others = oracle.tuner_ids - {tuner_id}
        return any(
            other in oracle.ongoing_trials or self._silence(other) > IDLE_SILENCE
            for other in others
        )
