"""What a short training of its own says of an architecture, and what of it is on disk."""

import contextlib
import dataclasses
import json
import math
import os
import shutil

import numpy as np

from keras_enas.oracles.state import arrays_to_bytes, read_arrays, write_atomically
from keras_enas.tuner.generations import write_json


@dataclasses.dataclass(frozen=True)
class SecondOpinion:
    """What a short training of its own says of an architecture.

    It is a trained model's score, of a training that is far from complete.

    Args:
        epochs: Number, how many epochs it was trained for.
        objective: Float, the objective on all validation data after these.
        reward: Float, what that earns; higher is better.
    """

    epochs: float
    objective: float
    reward: float

    @property
    def worth(self):
        """The reward; of one whose loss is not finite the lowest there is."""
        return self.reward if math.isfinite(self.reward) else -math.inf


class Journal:
    """What of a second opinion is on disk, each file whole or absent.

    Args:
        folder: String. What it holds of another second opinion is removed.
        pool: List of texts of architectures.
        settings: A `SuccessiveHalving`.
        data: JSON-serialisable, which is another one for other data.

    Attributes:
        opinions: Dict from `(rung, place in the pool)` to `SecondOpinion`.
        cpu_seconds: Dict of the same keys: process CPU time of each training.
    """

    def __init__(self, folder, pool, settings, data):
        self._folder = folder
        self._path = os.path.join(folder, "journal.json")
        self._settings = settings
        # The time is no part of it: it is not the same when an interrupted one goes on.
        plain = dataclasses.replace(settings, max_cpu_seconds=None)
        self._head = {"pool": pool, "settings": dataclasses.asdict(plain), "data": data}
        self._rungs = []
        self.opinions, self.cpu_seconds, self._texts = {}, {}, {}
        try:
            with open(self._path, encoding="utf-8") as file:
                content = json.load(file)
        except (FileNotFoundError, ValueError):
            content = {}
        if {name: content.get(name) for name in self._head} == self._head:
            self._rungs = content["rungs"]
            for one in content["trained"]:
                key = one.pop("rung"), one.pop("candidate")
                self._texts[key] = one.pop("architecture")
                self.cpu_seconds[key] = one.pop("cpu_seconds")
                self.opinions[key] = SecondOpinion(**one)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)

    def begin(self, rung, n, epochs):
        """Returns how many are trained in a rung: `n`, or as many as there is time for.

        Of the first rung `affords` says as it goes.
        """
        if rung < len(self._rungs):
            return self._rungs[rung]
        limit = self._settings.max_cpu_seconds
        if limit is not None and rung:
            n = min(n, int((limit - self.spent()) / (self._seconds_of_an_epoch() * epochs)))
        self._rungs.append(n)
        self._write()
        return n

    def affords(self, trained, n):
        """Whether there is time for `n` more than `trained`, and for the rungs after the first."""
        limit = self._settings.max_cpu_seconds
        # Where more were trained, or a later rung has begun, it was decided before.
        decided = trained < sum(rung == 0 for rung, _ in self.opinions) or len(self._rungs) > 1
        if limit is None or not trained or decided:
            return True
        rungs = self._settings.rungs(trained + n)
        epochs = n * self._settings.epochs + sum(count * more for count, more in rungs[1:])
        return self.spent() + epochs * self._seconds_of_an_epoch() <= limit

    def close(self, rung, n):
        """Notes that so many were trained in a rung, which may be fewer than were to be."""
        if self._rungs[rung] != n:
            self._rungs[rung] = n
            self._write()

    def spent(self):
        """CPU seconds of all trainings."""
        return sum(self.cpu_seconds.values())

    def _seconds_of_an_epoch(self):
        # The median: the first training has the trace in it.
        behind = {rung: one.epochs for (rung, _), one in self.opinions.items()}
        return float(
            np.median(
                [
                    seconds / (behind[rung] - behind.get(rung - 1, 0))
                    for (rung, _), seconds in self.cpu_seconds.items()
                ]
            )
        )

    def arrays(self, rung, candidate):
        """The weights that a candidate ended a rung with."""
        return read_arrays(self._weights(rung, candidate))

    def end(self, rung, candidate, text, opinion, arrays, cpu_seconds, kept):
        """Notes what a training found, its weights first.

        Weights are on disk of those only that may be among the `kept` of this rung.
        """
        write_atomically(self._weights(rung, candidate), arrays_to_bytes(arrays))
        self._texts[rung, candidate] = text
        self.opinions[rung, candidate] = opinion
        self.cpu_seconds[rung, candidate] = cpu_seconds
        self._write()
        in_rung = [(i, one.worth) for (r, i), one in self.opinions.items() if r == rung]
        in_rung.sort(key=lambda item: -item[1])
        for path in (
            self._weights(rung - 1, candidate),
            *(self._weights(rung, i) for i, _ in in_rung[kept:]),
        ):
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)

    def ranked(self):
        """List of `(candidate, its last SecondOpinion)`, best first."""
        last = {candidate: opinion for (_, candidate), opinion in sorted(self.opinions.items())}
        return sorted(last.items(), key=lambda item: (-item[1].epochs, -item[1].worth))

    def remove_weights(self):
        """Removes the weights; what was found stays."""
        for name in os.listdir(self._folder):
            if name.endswith(".npz"):
                os.remove(os.path.join(self._folder, name))

    def _weights(self, rung, candidate):
        return os.path.join(self._folder, f"{candidate:03d}-{rung}.npz")

    def _write(self):
        trained = [
            {
                "rung": rung,
                "candidate": candidate,
                "architecture": self._texts[rung, candidate],
                **dataclasses.asdict(opinion),
                "cpu_seconds": self.cpu_seconds[rung, candidate],
            }
            for (rung, candidate), opinion in self.opinions.items()
        ]
        write_json(self._path, {**self._head, "rungs": self._rungs, "trained": trained})
