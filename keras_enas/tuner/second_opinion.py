"""What a short training of its own says of an architecture, and what of it is on disk."""

import contextlib
import dataclasses
import hashlib
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
        pool: List of texts of the architectures that there are at first.
        settings: A `SuccessiveHalving`.
        data: JSON-serialisable, which is another one for other data.

    Attributes:
        opinions: Dict from `(rung, text of an architecture)` to `SecondOpinion`.

    Raises:
        ValueError: If it would be removed for one that has less time than it took.
    """

    def __init__(self, folder, pool, settings, data):
        self._folder = folder
        self._path = os.path.join(folder, "journal.json")
        self._settings = settings
        # The time is no part of it: it is not the same when an interrupted one goes on.
        plain = dataclasses.replace(settings, max_cpu_seconds=None)
        self._head = {"pool": pool, "settings": dataclasses.asdict(plain), "data": data}
        self._rungs = []
        # `_seconds` of `(rung, text)`: process CPU seconds of all, and of the steps alone.
        self.opinions, self._seconds = {}, {}
        try:
            with open(self._path, encoding="utf-8") as file:
                content = json.load(file)
        except (FileNotFoundError, ValueError):
            content = {}
        if {name: content.get(name) for name in self._head} == self._head:
            self._rungs = content["rungs"]
            for one in content["trained"]:
                key = one.pop("rung"), one.pop("architecture")
                self._seconds[key] = one.pop("cpu_seconds"), one.pop("step_seconds")
                self.opinions[key] = SecondOpinion(**one)
        else:
            self._refuse_less(content.get("trained", []))
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)

    def _refuse_less(self, trained):
        """Raises `ValueError` if what is on disk took longer than there is time for."""
        took, limit = sum(one["cpu_seconds"] for one in trained), self._settings.max_cpu_seconds
        if trained and limit is not None and limit < took:
            raise ValueError(
                f"The second opinion on disk, of {len(trained)} trainings in {took:,.0f} CPU "
                "seconds, is of other architectures, settings or data, or ordered by another "
                f"rule, and there are {limit:,.0f} seconds for one that would replace it. Give "
                "`strategy=SuccessiveHalving(max_cpu_seconds=...)` as much, take "
                "`strategy='shared_weights'`, or remove "
                f"{self._folder}."
            )

    def begin(self, rung, n, epochs, texts=()):
        """Returns how many are trained in a rung: `n`, or as many as there is time for.

        Args:
            rung: Integer. Of the first one `affords` says as it goes.
            n: Integer.
            epochs: Number, for how many each is trained.
            texts: Those that are trained in a later rung, the best first.
        """
        if rung < len(self._rungs):
            return self._rungs[rung]
        limit = self._settings.max_cpu_seconds
        if limit is not None and rung and n:
            seconds = self._expected([(rung - 1, text) for text in texts[:n]], epochs)
            n = min(n, max(int((limit - self.spent()) / seconds), 0))
        self._rungs.append(n)
        self._write()
        return n

    def affords(self, trained, n):
        """Whether there is time for `n` more than `trained`, and for the rungs after the first.

        That is an estimate: what is trained longer may be dearer than what is not.
        """
        limit = self._settings.max_cpu_seconds
        first = [key for key in self.opinions if key[0] == 0]
        # Where more were trained, or a later rung has begun, it was decided before.
        decided = trained < len(first) or len(self._rungs) > 1
        if limit is None or not trained or decided:
            return True
        (_, *later), epochs = self._settings.rungs(max(trained + n, 2)), self._settings.epochs
        needed = n * self._expected(first, epochs)
        needed += sum(count * self._expected(first, more) for count, more in later)
        return self.spent() + needed <= limit

    def close(self, rung, n):
        """Notes that so many were trained in a rung, which may be fewer than were to be."""
        if self._rungs[rung] != n:
            self._rungs[rung] = n
            self._write()

    def spent(self):
        """CPU seconds of all trainings."""
        return sum(seconds for seconds, _ in self._seconds.values())

    def _expected(self, like, epochs):
        """CPU seconds of a training of so many epochs, of one like those of some keys."""
        # Medians: the first training has the trace in it.
        other = np.median([seconds - steps for seconds, steps in self._seconds.values()])
        epoch = np.median([self._seconds[key][1] / self._epochs(key) for key in like])
        return float(other + epoch * epochs)

    def _epochs(self, key):
        """For how many epochs an architecture was trained in a rung."""
        rung, text = key
        behind = self.opinions[rung - 1, text].epochs if rung else 0
        return self.opinions[key].epochs - behind

    def arrays(self, rung, text):
        """The weights that an architecture ended a rung with."""
        return read_arrays(self._weights(rung, text))

    def end(self, rung, text, opinion, arrays, cpu_seconds, step_seconds, kept):
        """Notes what a training found, its weights first.

        Weights are on disk of those only that may be among the `kept` of this rung.
        """
        write_atomically(self._weights(rung, text), arrays_to_bytes(arrays))
        self.opinions[rung, text] = opinion
        self._seconds[rung, text] = cpu_seconds, step_seconds
        self._write()
        in_rung = [(one, opinion.worth) for (r, one), opinion in self.opinions.items() if r == rung]
        in_rung.sort(key=lambda item: -item[1])
        for path in (
            self._weights(rung - 1, text),
            *(self._weights(rung, one) for one, _ in in_rung[kept:]),
        ):
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)

    def last(self, text):
        """The `SecondOpinion` of the last rung that an architecture was in."""
        return self.opinions[max(rung for rung, one in self.opinions if one == text), text]

    def remove_weights(self):
        """Removes the weights; what was found stays."""
        for name in os.listdir(self._folder):
            if name.endswith(".npz"):
                os.remove(os.path.join(self._folder, name))

    def _weights(self, rung, text):
        # A text may be longer than a file's name can be.
        name = hashlib.sha256(text.encode()).hexdigest()[:24]
        return os.path.join(self._folder, f"{name}-{rung}.npz")

    def _write(self):
        trained = [
            {
                "rung": rung,
                "architecture": text,
                **dataclasses.asdict(opinion),
                "cpu_seconds": self._seconds[rung, text][0],
                "step_seconds": self._seconds[rung, text][1],
            }
            for (rung, text), opinion in self.opinions.items()
        ]
        write_json(self._path, {**self._head, "rungs": self._rungs, "trained": trained})
