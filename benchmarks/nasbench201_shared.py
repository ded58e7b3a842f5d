"""A search with shared weights on NAS-Bench-201, judged by the table."""

import functools
import math
import os
import time

import numpy as np
from nasbench201_space import hypermodel_of
from nasbench201_table import COUNTS, allowed_cells
from scipy.stats import kendalltau, rankdata
from search_quality_files import finite, read

import keras_enas as ke
from keras_enas.oracles.q_learning import EPSILON_SCHEDULE

# What counts samples is meant for trials by default; a round with shared weights has 200 samples.
SCHEDULE = [(epsilon, 10 * samples) for epsilon, samples in EPSILON_SCHEDULE]
ORACLES = {
    "enas": ke.ENASOracle,
    "random": ke.RandomOracle,
    "evolution": ke.RegularizedEvolutionOracle,
    "progressive": functools.partial(ke.ProgressiveOracle, samples_per_stage=200),
    "ant colony": ke.AntColonyOracle,
    "q-learning": functools.partial(ke.QLearningOracle, epsilon_schedule=SCHEDULE),
    "factorized": ke.FactorizedOracle,
    "paper enas": functools.partial(ke.ENASOracle, profile="paper"),
    "released enas": functools.partial(ke.ENASOracle, profile="released_code"),
}


class Timed(ke.ENASTuner):
    """Notes after how many CPU seconds each round ended, what it derived, and Kendall tau.

    Args:
        began: Float, the process CPU time at which the search began.
        judge: Callable from the tuner to a dict with `tau`.
        every: Integer, after how many rounds the judge is asked; 0: never. Its time is
            not the search's.
        *args: As in `ENASTuner`.
        **kwargs: As in `ENASTuner`.

    Attributes:
        derived: List of pairs, CPU seconds and `Architecture`.
        taus: List of pairs, CPU seconds and Kendall tau.
    """

    def __init__(self, began, judge, every, *args, **kwargs):
        self._began = began
        self._judge = judge
        self._every = every
        self.derived, self.taus = [], []
        super().__init__(*args, **kwargs)

    def spent(self):
        """CPU seconds of the search so far."""
        return time.process_time() - self._began

    def on_trial_end(self, trial):
        super().on_trial_end(trial)
        spent = self.spent()
        architecture = self.space.from_values(trial.hyperparameters.values)
        self.derived.append((spent, architecture))
        if self._every and len(self.derived) % self._every == 0:
            with self.budget.uncounted():
                self.taus.append((spent, self._judge(self)["tau"]))
            self._began = time.process_time() - spent


def search(strategy, seed, settings, table, data, folder):
    """Searches as a user would, and looks up what came of it.

    Args:
        strategy: String, one of `ORACLES`.
        seed: Integer.
        settings: Dict as in `nasbench201_settings.py`.
        table: The `Table`; of it the search is given latencies, if it has a target, and
            nothing else.
        data: What `nasbench201_data.load` returned.
        folder: String, of the search.

    Returns:
        Dict: the curve of the truth by CPU seconds, the cell that was returned and
        its truth, that of the best shared-weight score and of what the strategy samples at the
        end, Kendall tau of the scores, which alarms of a collapse there were.
    """
    began = time.process_time()
    training, validation = data
    hypermodel = hypermodel_of(settings, training[0])
    strategy_to_derive, cost = "shared_weights", {}
    if settings["candidates"]:
        strategy_to_derive = ke.SuccessiveHalving(
            settings["candidates"],
            factor=settings["factor"],
            epochs=settings["first_epochs"],
            growth=settings["growth"],
            size="child",
            neighbours=settings["neighbours"],
            proposals=settings["proposals"],
            prior=settings["prior"] or None,
            share=settings["second_opinion_share"],
        )
    if settings["latency_target"]:
        # What a cell takes is known beforehand, as to one who has measured a fit of it.
        known = table.columns[settings["latency"]]
        texts = [hypermodel.text_of(table.space.architecture(one)) for one in table.architectures]
        cost = {
            "cost": dict(zip(texts, known.tolist(), strict=True)),
            "cost_target": settings["latency_target"],
        }
    tuner = Timed(
        began,
        lambda tuner: correlation(tuner, table, settings),
        settings["tau_every"],
        hypermodel,
        oracle=ORACLES[strategy](f"val_{settings['objective']}", max_trials=1000, seed=seed),
        sampling=settings["sampling"],
        architectures_per_step=settings["architectures_per_step"],
        warmup_rounds=settings["warmup_rounds"],
        controller_updates=settings["controller_updates"],
        derive_samples=settings["derive_samples"],
        final_samples=settings["final_samples"],
        derive_strategy=strategy_to_derive,
        reward=ke.LinearProbe() if settings["reward"] == "linear probe" else None,
        **cost,
        max_cpu_seconds=60.0 * settings["budget_minutes"],
        directory=folder,
        project_name="search",
        # One that was interrupted begins anew: its time would not all be known.
        overwrite=True,
    )
    tuner.search(
        *training,
        validation_data=validation,
        epochs=settings["epochs"],
        batch_size=settings["batch"],
        validation_batch_size=500,
        verbose=1,
    )
    spent = tuner.spent()
    best = tuner.get_best_architectures(1)[0].architecture
    draw(tuner, table, settings, f"{folder}.png")
    return {
        "architecture": str(best),
        "text": hypermodel.text_of(best),
        "truth": table.true_accuracy(best),
        "truth_by_shared_weights": table.true_accuracy(by_shared_weights(tuner)),
        # Near to a target only some of what it samples counts.
        **({} if settings["latency_target"] else truth_of_samples(tuner, table, settings)),
        "latency": table.latency(best, settings),
        "cpu_seconds": spent,
        "curve": curve_of(tuner, table, spent),
        "taus": tuner.taus,
        "rounds": len(tuner.oracle.end_order),
        "alarms": alarms(tuner),
        "trainings": len(journal(tuner)["trained"]),
        **correlation(tuner, table, settings),
    }


def alarms(tuner):
    """The names of the alarms of a collapse that rang in any round."""
    paths = [
        os.path.join(tuner.get_trial_dir(trial_id), "round.json")
        for trial_id in tuner.oracle.end_order
    ]
    # A round that failed has none.
    records = [read(path) for path in paths if os.path.exists(path)]
    return sorted({name for record in records for name in record["alarms"]})


def draw(tuner, table, settings, path):
    """Draws how the rounds went, with what only the table knows."""
    allowed = allowed_cells(table, settings)
    best = table.truth[allowed].max()
    # A round may derive what is too far from a target.
    derived = [(seconds, one) for seconds, one in tuner.derived if allowed[table.row(one)]]
    regret = [best - table.true_accuracy(one) for _, one in derived]
    series = {"true regret\nof the derived": ([seconds for seconds, _ in derived], regret)}
    if tuner.taus:
        series["Kendall tau\nof the scores"] = tuple(zip(*tuner.taus, strict=True))
    ke.plot_search(tuner, path, series)


def curve_of(tuner, table, spent):
    """What was best by what the search had seen so far: `[CPU seconds, truth]` of each time.

    After a round that is what the round derived. In the second opinion it is the
    one that got furthest, and of these the one that earned most. That is not quite the rule of
    the search, which goes by ranks of its regression and of the prior as well.
    """
    curve = [[seconds, table.true_accuracy(one)] for seconds, one in tuner.derived]
    opinions = journal(tuner)["trained"]
    seconds, best = spent - sum(one["cpu_seconds"] for one in opinions), (-1.0, 0.0)
    for one in opinions:
        seconds += one["cpu_seconds"]
        worth = one["reward"] if math.isfinite(one["reward"]) else -math.inf
        if (one["epochs"], worth) > best:
            best = one["epochs"], worth
            curve.append([seconds, table.true_accuracy(one["architecture"])])
    curve.append([spent, table.true_accuracy(tuner.get_best_architectures(1)[0].architecture)])
    return curve


def journal(tuner):
    """What the second opinion noted: its `pool`, as texts, and those `trained`, as dicts."""
    path = os.path.join(tuner.project_dir, "second_opinion", "journal.json")
    return read(path) if os.path.exists(path) else {"pool": [], "trained": []}


def by_shared_weights(tuner):
    """The architecture, or its text, that would have been returned without a second opinion."""
    # The pool begins with the samples that were scored, best score first.
    pool = journal(tuner)["pool"]
    return pool[0] if pool else tuner.get_best_architectures(1)[0].architecture


def truth_of_samples(tuner, table, settings):
    """The mean truth of what the strategy would try next: whether it has learned anything."""
    samples = tuner.oracle.sample(settings["judged"])
    return {"truth_of_samples": float(np.mean([table.true_accuracy(one) for one in samples]))}


def correlation(tuner, table, settings):
    """Kendall tau between scores and truth, over random cells and their better half.

    Args:
        tuner: An `ENASTuner` that has searched.
        table: The `Table`.
        settings: Dict: `judged`, how many random cells, the same for every search; `prior`;
            `reward`.

    Returns:
        Dict with `tau` and `tau_better_half` of the shared-weight scores, of these smoothed
        over the cells that are judged (`_smoothed`), of what the
        objective says (`_of_objective`, if it is not the reward), of the
        controls (`_of_parameters`, `_of_FLOPs`), and, if the prior is one of these,
        of the ranks by score and by prior together (`_with_prior`).
    """
    rows = np.random.default_rng(201).choice(len(table.truth), settings["judged"], replace=False)
    truth = table.truth[rows]
    better = truth >= np.median(table.truth)
    cells = [tuner.space.architecture(table.architectures[row]) for row in rows]
    scores = tuner.score(cells)
    # The cost has its share in the reward, which is not asked here.
    penalties = [tuner.resources.penalty(cell.indices) for cell in cells]
    sign = 1.0 if tuner.oracle.objective.direction == "max" else -1.0
    columns = {"": np.array([one.reward - p for one, p in zip(scores, penalties, strict=True)])}
    columns["_smoothed"] = ke.smoothed(cells, columns[""])
    if settings["reward"]:
        columns["_of_objective"] = np.array([sign * score.objective for score in scores])
    counts = {name: table.columns[column][rows] for name, column in COUNTS.items()}
    columns.update((f"_of_{name}", count) for name, count in counts.items())
    by_prior = {name.lower(): count for name, count in counts.items()}.get(settings["prior"])
    if by_prior is not None:
        columns["_with_prior"] = rankdata(columns[""]) + rankdata(by_prior)
    found = {}
    for name, values in columns.items():
        # A search is not lost for a score that is not finite.
        found[f"tau{name}"] = finite(kendalltau(values, truth).statistic)
        in_half = kendalltau(values[better], truth[better])
        found[f"tau_better_half{name}"] = finite(in_half.statistic)
    return found
