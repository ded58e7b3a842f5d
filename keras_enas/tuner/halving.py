"""A second opinion: what shared weights propose is trained alone for a while, and halved."""

import contextlib
import dataclasses
import json
import math
import os
import shutil
import time

import numpy as np

from keras_enas.oracles.checks import check_integer
from keras_enas.tuner.generations import write_arrays, write_json


@dataclasses.dataclass(frozen=True)
class SuccessiveHalving:
    """Trains candidates alone for a while, keeps the better part, and trains that longer.

    Successive halving (Jamieson and Talwalkar 2016) among architectures that the
    shared weights rank highest. Each is trained from scratch, from the same
    initial weights and on the same batches, and goes on from where it was if
    it is kept; in every rung its learning rate falls along a cosine. The trace of the
    training step is one for all of them.

    Args:
        candidates: Integer of at least 2, how many architectures begin.
        proposals: Which ones: `"scores"`, those with the best shared-weight scores; or
            `"surrogate"`: among all that were scored those that a regression on
            decisions and score finds promising, fitted anew after every `batch`
            trainings (see `keras_enas.tuner.proposals`).
        batch: Integer, see there.
        factor: Number above 1: of n architectures n / `factor` are kept.
        epochs: Number, for how many epochs the first rung trains, a part of one or
            more; in each rung the training that an architecture has behind it is
            multiplied by `growth`.
        growth: Integer of at least 2.
        max_cpu_seconds: Optional number, process CPU time that the second opinion may
            take: later rungs train fewer, or are left out, where there is no time.
            (The first rung is trained whole.) Default: what the tuner's own
            `max_cpu_seconds` leaves, if it has one.
        share: Float between 0 and 1, the share of the tuner's `max_cpu_seconds` that
            is kept for the second opinion.

    Raises:
        ValueError: If an argument is of no use.
    """

    candidates: int = 16
    proposals: str = "scores"
    batch: int = 8
    factor: float = 2.0
    epochs: float = 1.0
    growth: int = 2
    max_cpu_seconds: float | None = None
    share: float = 0.5

    def __post_init__(self):
        check_integer("candidates", self.candidates, 2)
        check_integer("batch", self.batch, 2)
        if self.proposals not in ("scores", "surrogate"):
            raise ValueError(
                "`proposals` must be 'scores' or 'surrogate'. "
                f"Received: proposals={self.proposals!r}."
            )
        check_integer("growth", self.growth, 2)
        if not self.epochs > 0:
            raise ValueError(f"`epochs` must be positive. Received: epochs={self.epochs!r}.")
        if not self.factor > 1:
            raise ValueError(f"`factor` must be above 1. Received: factor={self.factor!r}.")
        if self.max_cpu_seconds is not None and not self.max_cpu_seconds > 0:
            raise ValueError(
                "`max_cpu_seconds` must be positive, or None. "
                f"Received: max_cpu_seconds={self.max_cpu_seconds!r}."
            )
        if not 0 < self.share < 1:
            raise ValueError(f"`share` must be between 0 and 1. Received: share={self.share!r}.")

    def rungs(self, n):
        """Returns for each rung how many of `n` are trained, and for how many epochs more."""
        rungs, behind, epochs = [], 0, self.epochs
        while n >= 2:
            rungs.append((n, epochs - behind))
            behind, epochs = epochs, epochs * self.growth
            n = min(n - 1, math.ceil(n / self.factor - 1e-9))
        return rungs


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


def halve(make_training, space, pool, settings, folder, propose=None, say=print):
    """Runs successive halving; goes on where an interrupted run of the same one ended.

    Args:
        make_training: Callable without arguments that returns an `ShortTraining`; called when
            the first training is due.
        space: The `SearchSpace`.
        pool: List of indices `(decisions,)`, the most promising first.
        settings: A `SuccessiveHalving`.
        folder: String, where it keeps what it found, and weights to go on with.
        propose: Optional callable from `{place in the pool: reward}` of those that
            were trained, and a number, to the places of as many to train next.
            Default: the first of the pool.
        say: Callable that is given lines for the user.

    Returns:
        List of `(indices, SecondOpinion)`, best first: who got further is better,
        then who earned more.
    """
    journal = Journal(folder, [str(space.architecture(one)) for one in pool], settings)
    rungs = settings.rungs(min(settings.candidates, len(pool)))
    training, behind, mark, going_on = None, 0, time.process_time(), []

    def train(rung, i, epochs, kept):
        nonlocal training, mark
        if (rung, i) in journal.opinions:
            return
        training = training or make_training()
        arrays = journal.arrays(rung - 1, i) if rung else training.initial
        arrays, score = training.train(pool[i], arrays, behind, epochs)
        now = time.process_time()
        opinion = SecondOpinion(behind + epochs, score.objective, score.reward)
        journal.end(rung, i, opinion, arrays, now - mark, kept)
        mark = now

    for rung, (n, epochs) in enumerate(rungs):
        kept = rungs[rung + 1][0] if rung + 1 < len(rungs) else 0
        n = journal.begin(rung, n, epochs)
        if n < 2:
            break
        if rung == 0 and propose is not None:
            while len(going_on) < n:
                earned = {i: journal.opinions[0, i].reward for i in going_on}
                for i in propose(earned, min(settings.batch, n - len(going_on))):
                    train(rung, i, epochs, kept)
                    going_on.append(i)
        else:
            going_on = going_on[:n] if rung else list(range(n))
            for i in going_on:
                train(rung, i, epochs, kept)
        behind += epochs
        going_on.sort(key=lambda i: -_or_lowest(journal.opinions[rung, i].reward))
        best = journal.opinions[rung, going_on[0]]
        say(
            f"Second opinion {rung + 1}: {n} architectures trained alone for {behind:g} epochs, "
            f"the best scores {best.objective:.4f}"
        )
    journal.remove_weights()
    return [(pool[i], opinion) for i, opinion in journal.ranked()]


def _or_lowest(reward):
    # One whose loss is not finite is the worst.
    return reward if math.isfinite(reward) else -math.inf


class Journal:
    """What of a second opinion is on disk, each file whole or absent.

    Args:
        folder: String. What it holds of another second opinion is removed.
        pool: List of texts of architectures.
        settings: A `SuccessiveHalving`.

    Attributes:
        opinions: Dict from `(rung, place in the pool)` to `SecondOpinion`.
        cpu_seconds: Dict of the same keys: process CPU time of each training.
    """

    def __init__(self, folder, pool, settings):
        self._folder = folder
        self._path = os.path.join(folder, "journal.json")
        self._settings = settings
        # The time is no part of it: it is not the same when an interrupted one goes on.
        plain = dataclasses.replace(settings, max_cpu_seconds=None)
        self._head = {"pool": pool, "settings": dataclasses.asdict(plain)}
        self._rungs = []
        self.opinions, self.cpu_seconds = {}, {}
        try:
            with open(self._path, encoding="utf-8") as file:
                content = json.load(file)
        except (FileNotFoundError, ValueError):
            content = {}
        if {name: content.get(name) for name in self._head} == self._head:
            self._rungs = content["rungs"]
            for one in content["trained"]:
                key = one.pop("rung"), one.pop("candidate")
                self.cpu_seconds[key] = one.pop("cpu_seconds")
                self.opinions[key] = SecondOpinion(**one)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)

    def begin(self, rung, n, epochs):
        """Returns how many are trained in a rung: `n`, or as many as there is time for."""
        if rung < len(self._rungs):
            return self._rungs[rung]
        limit = self._settings.max_cpu_seconds
        if limit is not None and rung:
            spent = sum(self.cpu_seconds.values())
            n = min(n, int((limit - spent) / (self._seconds_of_an_epoch() * epochs)))
        self._rungs.append(n)
        self._write()
        return n

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
        with np.load(self._weights(rung, candidate), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def end(self, rung, candidate, opinion, arrays, cpu_seconds, kept):
        """Notes what a training found, its weights first.

        Weights are on disk of those only that may be among the `kept` of this rung.
        """
        write_arrays(self._weights(rung, candidate), arrays)
        self.opinions[rung, candidate] = opinion
        self.cpu_seconds[rung, candidate] = cpu_seconds
        self._write()
        in_rung = [(i, one.reward) for (r, i), one in self.opinions.items() if r == rung]
        in_rung.sort(key=lambda item: -_or_lowest(item[1]))
        for path in (
            self._weights(rung - 1, candidate),
            *(self._weights(rung, i) for i, _ in in_rung[kept:]),
        ):
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)

    def ranked(self):
        """List of `(candidate, its last SecondOpinion)`, best first."""
        last = {candidate: opinion for (_, candidate), opinion in sorted(self.opinions.items())}
        return sorted(last.items(), key=lambda item: (-item[1].epochs, -_or_lowest(item[1].reward)))

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
                **dataclasses.asdict(opinion),
                "cpu_seconds": self.cpu_seconds[rung, candidate],
            }
            for (rung, candidate), opinion in self.opinions.items()
        ]
        write_json(self._path, {**self._head, "rungs": self._rungs, "trained": trained})
