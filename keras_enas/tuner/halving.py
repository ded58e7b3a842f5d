"""A second opinion: what shared weights propose is trained alone for a while, and halved."""

import dataclasses
import math
import numbers
import time

from keras_enas.oracles.checks import check_integer
from keras_enas.training_free.scores import SCORES
from keras_enas.tuner.pool import mean_ranks
from keras_enas.tuner.proposals import ByPromise
from keras_enas.tuner.second_opinion import Journal, SecondOpinion

# What ranks count by what was earned in a rung, by what is made of the first one, and by prior. In
# the last rungs differences are hardly more than noise, and what the other two say is as good as
# a longer training of those few. Of two, who earned more is first.
RANK_WEIGHTS = (2.0, 1.0, 1.0)


@dataclasses.dataclass(frozen=True)
class SuccessiveHalving:
    """Trains candidates alone for a while, keeps the better part, and trains that longer.

    Successive halving (Jamieson and Talwalkar 2016, arXiv 1502.07943) among architectures that the
    shared weights rank highest. Each is trained from scratch, from the same initial weights and
    on the same batches (where the data give them again: see `ENASTuner.search`), and goes on from
    where it was if it is kept; in every rung its learning rate falls along a cosine. The trace of
    the training step is one for all of them.

    Args:
        candidates: Integer of at least 2, how many architectures begin.
        proposals: Which ones: `"scores"`, those with the best shared-weight scores; or
            `"surrogate"`: those that a regression on decisions finds promising, among
            all that were scored and what is around the best, fitted anew after every
            `batch` trainings. It begins with up to half of `candidates` mutants of the
            most promising one (see `keras_enas.tuner.proposals`).
        batch: Integer, see there.
        prior: Optional string, one of `keras_enas.training_free.SCORES`, such as
            `"parameters"` or `"naswot"`. Candidates are ranked by the mean of their
            ranks by shared-weight score and by prior; after each rung by the mean of
            their ranks by what they earned in it, which counts twice, by what
            `"surrogate"` makes of the first rung (with `"scores"`: by what they earned
            there) and by prior. Of two in a rung the one that earned more is first. To
            count parameters or FLOPs a child is built, unless the hypermodel has
            `count_parameters(architecture)` or `count_flops(architecture)`; the other
            scores trace a supergraph once. What counts is the size that was searched.
        neighbours: Integer, how many architectures more are scored before the first rung:
            neighbours of the most promising, which differ in one decision, and, with a
            `cost_target` or `cost_limit`, those in which two have exchanged their candidates.
        size: `"search"`: they are trained at the size that shares weights; `"child"`: at
            that which `retrain` trains (the hypermodel's `child_cells`,
            `child_filters` and the like).
        factor: Number above 1: of n architectures n / `factor` are kept.
        epochs: Number, for how many epochs the first rung trains, a part of one or
            more; in each rung the training that an architecture has behind it is
            multiplied by `growth`.
        growth: Integer of at least 2.
        max_cpu_seconds: Optional number, process CPU time that the second opinion may
            take: the first rung trains as many as leave time for the others (a first
            `batch` in any case), later ones fewer, or are left out, where there is
            none. Default: what the tuner's own `max_cpu_seconds` leaves, if it has one.
        share: Float between 0 and 1, the share of the tuner's `max_cpu_seconds` that
            is kept for the second opinion.

    Raises:
        ValueError: If an argument is of no use.
    """

    candidates: int = 16
    proposals: str = "scores"
    batch: int = 8
    prior: str | None = None
    neighbours: int = 0
    size: str = "search"
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
        if self.prior is not None and self.prior not in SCORES:
            raise ValueError(
                f"`prior` must be None or one of {list(SCORES)}. Received: prior={self.prior!r}."
            )
        if self.size not in ("search", "child"):
            raise ValueError(f"`size` must be 'search' or 'child'. Received: size={self.size!r}.")
        check_integer("neighbours", self.neighbours, 0)
        check_integer("growth", self.growth, 2)
        for name, least, most, said in (
            ("epochs", 0, math.inf, "positive and finite"),
            ("factor", 1, math.inf, "above 1 and finite"),
            ("max_cpu_seconds", 0, math.inf, "positive and finite, or None"),
            ("share", 0, 1, "between 0 and 1"),
        ):
            value = getattr(self, name)
            none = value is None and name == "max_cpu_seconds"
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not none and not (number and least < value < most):
                raise ValueError(f"`{name}` must be {said}. Received: {name}={value!r}.")

    def hypermodel_of(self, hypermodel):
        """Returns the hypermodel of the networks that are trained, of one that is searched.

        Raises:
            ValueError: If its children cannot be built as a supergraph.
        """
        for_children = getattr(hypermodel, "for_children", None)
        if self.size == "search" or for_children is None:
            return hypermodel
        children = for_children(None)
        try:
            getattr(children, "check_shareable", lambda: None)()
        except ValueError as error:
            raise ValueError(
                f"`size='child'`: the children cannot be trained in one trace. {error} Use "
                "size='search'."
            ) from error
        return children

    def kept(self, n):
        """Returns how many of `n` go on to the next rung: 0 if there is none."""
        kept = min(n - 1, math.ceil(n / self.factor - 1e-9))
        return kept if kept >= 2 else 0

    def rungs(self, n):
        """Returns for each rung how many of `n` are trained, and for how many epochs more."""
        rungs, behind, epochs = [], 0, self.epochs
        while n >= 2:
            rungs.append((n, epochs - behind))
            behind, epochs = epochs, epochs * self.growth
            n = self.kept(n)
        return rungs


def halve(
    make_training,
    space,
    pool,
    settings,
    folder,
    data,
    proposals=None,
    say=print,
    allowed=None,
    replacing=None,
):
    """Runs successive halving; goes on where an interrupted run of the same one ended.

    Args:
        make_training: Callable without arguments that returns a `ShortTraining`; called
            when the first training is due.
        space: The `SearchSpace`.
        pool: A `Pool`, or what has its `indices`, `columns` (score, and prior if `settings`
            has one) and `promise`.
        settings: A `SuccessiveHalving`.
        folder: String, where it keeps what it found, and weights to go on with.
        data: JSON-serialisable, by which it knows on what data that was.
        proposals: Optional `Surrogate`, or what has its `propose` and `worth`. Default:
            the most promising of the pool.
        say: Callable that is given lines for the user.
        allowed: Optional, JSON-serialisable: what time the user asked for, where `settings` has
            what is left of it; default what `settings` has. What ended for want of time
            begins anew if it is allowed another time and there is more.
        replacing: Optional number, the CPU seconds by which it is judged whether it may take
            the place of another one on disk, which may have taken longer; default what
            `settings` has.

    Returns:
        List of `(place in the pool, SecondOpinion)`, best first: who got further is
        better, then who earned more in the last rung of both, or, with a prior, who has the better
        mean of ranks by that, by what `proposals` make of the first rung, and by prior; last of a
        rung is whose loss is not finite.
    """

    def text(i):
        return str(space.architecture(pool.indices[i]))

    texts = [text(i) for i in range(len(pool.indices))]
    # By another rule others would go on, whose weights are not on disk.
    rule = list(RANK_WEIGHTS) if settings.prior is not None else None
    allowed, replacing = (
        settings.max_cpu_seconds if one is None else one for one in (allowed, replacing)
    )
    journal = Journal(folder, texts, settings, [data, rule], allowed, replacing)
    training, mark = None, time.process_time()

    def train(rung, i, behind, epochs, kept):
        nonlocal training, mark
        if kept and settings.prior is not None:
            # It is not known before all of a rung are trained who goes on.
            kept = len(pool.indices)
        if (rung, text(i)) in journal.opinions:
            return
        training = training or make_training()
        arrays = journal.arrays(rung - 1, text(i)) if rung else training.initial
        arrays, score, seconds = training.train(pool.indices[i], arrays, behind, epochs)
        now = time.process_time()
        opinion = SecondOpinion(behind + epochs, score.objective, score.reward)
        journal.end(rung, text(i), opinion, arrays, now - mark, seconds, kept)
        mark = now

    def earned_in(rung, places):
        return {i: journal.opinions[rung, text(i)].worth for i in places}

    def standings(earned, smoothed):
        """How each of a rung stands: by what it earned, or by ranks."""
        if settings.prior is None:
            return earned
        # The score has had its say in who is trained.
        known = [[earned[i], smoothed[i], *pool.columns[i][1:]] for i in earned]
        return dict(zip(earned, mean_ranks(known, RANK_WEIGHTS), strict=True))

    def end(rung, trained, smoothed, behind):
        earned = earned_in(rung, trained)
        standing = standings(earned, smoothed)
        # Whose loss is not finite comes last, whatever else is known of it; of those that stand
        # alike the one that earned more comes first.
        trained = sorted(trained, key=lambda i: (-earned[i] == math.inf, -standing[i], -earned[i]))
        best = max((journal.opinions[rung, text(i)] for i in trained), key=lambda one: one.worth)
        say(
            f"Second opinion {rung + 1}: {len(trained)} architectures trained alone for "
            f"{behind:g} epochs, the best scores {best.objective:.4f}"
        )
        return trained

    proposals = proposals or ByPromise(pool)
    n = journal.begin(0, settings.candidates, settings.epochs)
    trained = []
    while len(trained) < n and journal.affords(len(trained), min(settings.batch, n - len(trained))):
        # Always a whole batch: what is asked for decides how the pool grows, and a second run,
        # which knows how many there were, must have the same pool.
        proposed = proposals.propose(earned_in(0, trained), settings.batch)[: n - len(trained)]
        if not proposed:
            break
        for i in proposed:
            train(0, i, 0, settings.epochs, settings.kept(n))
        trained += proposed
    journal.close(0, len(trained))
    first = earned_in(0, trained)
    smoothed = {}
    if settings.prior is not None:
        smoothed = dict(zip(first, proposals.worth(first), strict=True))
    trained, behind = end(0, trained, smoothed, settings.epochs), settings.epochs
    rungs = settings.rungs(len(trained))
    ended = []
    for rung, (n, epochs) in enumerate(rungs[1:], 1):
        # Those whose loss is not finite are last, and do not go on.
        diverged = sum(journal.last(text(i)).worth == -math.inf for i in trained)
        n = min(n, len(trained) - diverged)
        n = journal.begin(rung, n, epochs, [text(i) for i in trained])
        if n < 2:
            break
        trained, ended = trained[:n], trained[n:] + ended
        kept = rungs[rung + 1][0] if rung + 1 < len(rungs) else 0
        for i in trained:
            train(rung, i, behind, epochs, kept)
        behind += epochs
        trained = end(rung, trained, smoothed, behind)
    journal.end_all()
    return [(i, journal.last(text(i))) for i in trained + ended]
