"""One line a round, with the time left."""

import math
import time


class Progress:
    """Prints how a search goes.

    Args:
        rounds: Integer, how many there are in all; None if their time decides.
        enabled: Boolean.
    """

    def __init__(self, rounds, enabled):
        self._rounds = rounds
        self._enabled = enabled
        self._seconds = []
        self._began = None

    def begin(self):
        self._began = time.monotonic()

    def end(self, number, record):
        """Prints the line of a round that has ended.

        Args:
            number: Integer, the round, from 0.
            record: Dict with `objective`, `derived`, `deviation` and, if there is
                one, `loss` and `cost`, and, if the oracle learned,
                `controller_mean_reward` and `controller_entropy`.
        """
        seconds = time.monotonic() - self._began
        self._seconds.append(seconds)
        if not self._enabled:
            return
        parts = [
            f"Round {number + 1}" + (f"/{self._rounds}" if self._rounds else ""),
            *([f"loss {record['loss']:.4f}"] if "loss" in record else []),
            f"shared-weight {record['objective']} {record['derived']:.4f} "
            f"± {record['deviation']:.4f}",
        ]
        if "cost" in record:
            parts.append(f"cost {record['cost']:.4g}")
        if "controller_mean_reward" in record:
            parts.append(f"mean reward {record['controller_mean_reward']:.4f}")
        if "controller_entropy" in record:
            parts.append(f"entropy {record['controller_entropy']:.1f}")
        parts.append(f"{seconds:.1f} s")
        # The first round traces the steps: it says nothing about the others.
        usual = self._seconds[1:]
        if usual and self._rounds:
            left = sum(usual) / len(usual) * (self._rounds - number - 1)
            parts.append(f"{_duration(left)} left")
        print(" | ".join(parts), flush=True)

    def say(self, text):
        """Prints a line, unless the search is to be quiet."""
        if self._enabled:
            print(text, flush=True)


def _duration(seconds):
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
