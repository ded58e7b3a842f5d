"""A second opinion: what shared weights propose is trained alone for a while, and halved."""

import dataclasses
import math
import time

from keras_enas.oracles.checks import check_integer
from keras_enas.tuner.second_opinion import Journal, SecondOpinion


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


def halve(make_training, space, pool, settings, folder, data, propose=None, say=print):
    """Runs successive halving; goes on where an interrupted run of the same one ended.

    Args:
        make_training: Callable without arguments that returns a `ShortTraining`; called
            when the first training is due.
        space: The `SearchSpace`.
        pool: List of indices `(decisions,)`, the most promising first.
        settings: A `SuccessiveHalving`.
        folder: String, where it keeps what it found, and weights to go on with.
        data: JSON-serialisable, by which it knows on what data that was.
        propose: Optional callable from `{place in the pool: reward}` of those that
            were trained, and a number, to the places of as many to train next.
            Default: the first of the pool.
        say: Callable that is given lines for the user.

    Returns:
        List of `(indices, SecondOpinion)`, best first: who got further is better,
        then who earned more.
    """
    journal = Journal(folder, [str(space.architecture(one)) for one in pool], settings, data)
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
        going_on.sort(key=lambda i: -journal.opinions[rung, i].worth)
        best = journal.opinions[rung, going_on[0]]
        say(
            f"Second opinion {rung + 1}: {n} architectures trained alone for {behind:g} epochs, "
            f"the best scores {best.objective:.4f}"
        )
    journal.remove_weights()
    return [(pool[i], opinion) for i, opinion in journal.ranked()]
