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
        allowed: JSON-serialisable, what time was asked for, of which `settings` has what is left.
        replacing: Optional number, the CPU seconds by which it is judged whether it may take
            the place of another one.

    Attributes:
        opinions: Dict from `(rung, text of an architecture)` to `SecondOpinion`.

    Raises:
        ValueError: If it would be removed for one that is allowed less time than it took.
    """

    def __init__(self, folder, pool, settings, data, allowed=None, replacing=None):
        self._folder = folder
        self._path = _path(folder)
        self._settings = settings
        # By what it may take: that which it was cut short by, if it was.
        self._limit = {"allowed": allowed, "seconds": settings.max_cpu_seconds}
        # Whether there was no time for all, and whether it has come to its end all the same.
        self._cut, self._ended = False, False
        # The time is no part of it: it is not the same when an interrupted one goes on.
        plain = dataclasses.replace(settings, max_cpu_seconds=None)
        self._head = {"pool": pool, "settings": dataclasses.asdict(plain), "data": data}
        self._rungs = []
        # `_seconds` of `(rung, text)`: process CPU seconds of all, and of the steps alone.
        self.opinions, self._seconds = {}, {}
        content = _read(folder)
        same = {name: content.get(name) for name in self._head} == self._head
        if same and not self._is_to_be_longer(content):
            self._rungs = content["rungs"]
            self._cut, self._ended = content["cut"], content["ended"]
            if self._cut or self._ended:
                self._limit = content["limit"]
            for one in content["trained"]:
                key = one.pop("rung"), one.pop("architecture")
                self._seconds[key] = one.pop("cpu_seconds"), one.pop("step_seconds")
                self.opinions[key] = SecondOpinion(**one)
        else:
            check_replacing(folder, replacing)
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)

    def _is_to_be_longer(self, content):
        """Whether one on disk ended for want of time, and there is more now.

        It has no weights to go on from. Of the same time of a search there is more or less left
        in each process; that is no reason.
        """
        limit = content["limit"]
        more = _seconds(self._limit["seconds"]) > _seconds(limit["seconds"])
        other = self._limit["allowed"] != limit["allowed"]
        return content["ended"] and content["cut"] and more and other

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
            affordable = max(int((limit - self.spent()) / seconds), 0)
            self._cut |= affordable < n
            n = min(n, affordable)
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
        affordable = self.spent() + needed <= limit
        self._cut |= not affordable
        return affordable

    def close(self, rung, n):
        """Notes that so many were trained in a rung, which may be fewer than were to be."""
        if self._rungs[rung] != n:
            self._rungs[rung] = n
            self._write()

    def end_all(self):
        """Notes that nothing more is to be trained, and removes the weights."""
        if not self._ended:
            self._ended = True
            self._write()
        for name in os.listdir(self._folder):
            if name.endswith(".npz"):
                os.remove(os.path.join(self._folder, name))

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
        content = {
            **self._head,
            "limit": self._limit,
            "cut": self._cut,
            "ended": self._ended,
            "rungs": self._rungs,
            "trained": trained,
        }
        write_json(self._path, content)


def check_replacing(folder, allowed):
    """Checks that a second opinion is not replaced by one that is allowed less than it took.

    Args:
        folder: String, of the second opinion on disk, if there is one.
        allowed: Optional number, CPU seconds of the one that would replace it.

    Raises:
        ValueError: If it is allowed less than that took, and less than that had.
    """
    content = _read(folder)
    trained = content.get("trained", [])
    took = sum(one["cpu_seconds"] for one in trained)
    # It may have taken longer than it had: a first batch is trained in any case.
    if trained and _seconds(allowed) < min(took, _seconds(content["limit"]["seconds"])):
        raise ValueError(
            f"The second opinion on disk, of {len(trained)} trainings in {took:,.1f} CPU "
            "seconds, is of other architectures, settings or data, or ordered by another "
            f"rule, and one of at most {allowed:,.1f} seconds would replace it. Give "
            "`SuccessiveHalving(max_cpu_seconds=...)`, or the tuner's `max_cpu_seconds`, as "
            f"much, take the strategy 'shared_weights', or remove {folder}."
        )


def _seconds(allowed):
    return math.inf if allowed is None else allowed


def _path(folder):
    return os.path.join(folder, "journal.json")


def _read(folder):
    """What is on disk of a second opinion; an empty dict if nothing is."""
    try:
        with open(_path(folder), encoding="utf-8") as file:
            content = json.load(file)
    except (FileNotFoundError, ValueError):
        return {}
    # Earlier versions did not note it.
    without = {"limit": {"allowed": None, "seconds": None}, "cut": False, "ended": False}
    return {**without, **content}
