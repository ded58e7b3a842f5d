"""How much CPU time a search may take, and has taken."""

import contextlib
import dataclasses
import json
import os
import time

import numpy as np


class Budget:
    """The time of a search, split between its rounds and a second opinion.

    Args:
        max_cpu_seconds: Optional number, for all of the search.
        halving: Optional `SuccessiveHalving` that the search ends with.

    Raises:
        ValueError: If that leaves no time for rounds.
    """

    def __init__(self, max_cpu_seconds, halving):
        self._all = max_cpu_seconds
        self._before = self._began = 0.0
        # What is known of earlier processes once the rounds are over, and under which limits.
        self._over = None
        self._of_rounds = max_cpu_seconds
        if max_cpu_seconds is not None and halving is not None:
            kept = halving.max_cpu_seconds or halving.share * max_cpu_seconds
            self._of_rounds = max_cpu_seconds - kept
            if self._of_rounds <= 0:
                raise ValueError(
                    "`max_cpu_seconds` of the second opinion must be less than that of the "
                    f"search. Received: {halving.max_cpu_seconds} of {max_cpu_seconds}."
                )

    @property
    def unlimited(self):
        """Whether rounds end by their number alone."""
        return self._all is None

    def begin(self, tuner):
        """A process begins to search: from now on all of its time counts."""
        self._before = sum(seconds_of_rounds(tuner))
        if self.is_over(tuner):
            self._before = max(self._before, self._over["cpu_seconds"])
        self._began = time.process_time()

    def spent(self):
        """CPU seconds so far, of rounds in earlier processes and of everything in this one."""
        return self._before + time.process_time() - self._began

    @contextlib.contextmanager
    def uncounted(self):
        """While open, no time counts: for who only watches a search."""
        began = time.process_time()
        try:
            yield
        finally:
            self._began += time.process_time() - began

    def is_spent(self, tuner):
        """Whether no further round may begin: another one like those so far would be too much.

        Once that is so it stays so, in later processes, too, which know less of the time that
        went by beside the rounds: otherwise a search that has ended might go on.
        """
        if self.unlimited:
            return False
        if self.is_over(tuner):
            return True
        seconds = seconds_of_rounds(tuner)
        if not seconds or self.spent() + float(np.median(seconds)) <= self._of_rounds:
            return False
        self._over = {
            "rounds": len(tuner.oracle.end_order),
            "limits": [self._all, self._of_rounds],
            "cpu_seconds": self.spent(),
        }
        return True

    def is_over(self, tuner):
        """Whether the rounds that there are had to be the last, under the limits that there are."""
        return (
            self._over is not None
            and self._over["limits"] == [self._all, self._of_rounds]
            and self._over["rounds"] == len(tuner.oracle.end_order)
        )

    def get_state(self):
        """What a later process must know, JSON-serialisable."""
        return self._over

    def set_state(self, state):
        """Notes what `get_state` returned in an earlier process."""
        self._over = state

    def allowed(self, halving):
        """CPU seconds that were asked for: of a second opinion alone, or of all of the search.

        Returns:
            A dict from which it is to a number; None if there is no limit.
        """
        if halving.max_cpu_seconds is not None:
            return {"second opinion": halving.max_cpu_seconds}
        return None if self.unlimited else {"search": self._all}

    def limited(self, halving):
        """Returns a `SuccessiveHalving` that takes what is left, unless it says how much."""
        if self.unlimited or halving.max_cpu_seconds is not None:
            return halving
        return dataclasses.replace(halving, max_cpu_seconds=max(self._all - self.spent(), 1.0))


def seconds_of_rounds(tuner):
    """CPU seconds of each round that has ended, in whatever process it ran."""
    seconds = []
    for trial_id in tuner.oracle.end_order:
        try:
            with open(os.path.join(tuner.get_trial_dir(trial_id), "round.json")) as file:
                seconds.append(json.load(file)["cpu_seconds"])
        except FileNotFoundError:
            # It failed, or was killed before this was written.
            continue
    return seconds
