"""Do the shared weights rank architectures as training does? Measured, child by child."""

import dataclasses
import json
import math
import os

import keras
from rich.console import Console
from rich.table import Table

from keras_enas.cost import count_flops, count_parameters
from keras_enas.oracles.checks import check_integer
from keras_enas.search_space import Architecture
from keras_enas.tuner import derivation
from keras_enas.tuner.alone import TrainingAlone
from keras_enas.tuner.correlation import estimate, kendall_tau, precision_at, spearman
from keras_enas.tuner.data import described
from keras_enas.tuner.generations import plain_number, write_json
from keras_enas.tuner.retrain import random_others
from keras_enas.tuner.retrained import TrainedChild
from keras_enas.tuner.smoothing import smoothed

FILE = "rank_correlation.json"
CONTROLS = ("parameters", "FLOPs")


class RankCorrelation:
    """What `ENASTuner.rank_correlation` returns.

    Args:
        children: List of `TrainedChild`.
        objective: The `keras_tuner.Objective`.
        k: Integer, of the precision at k.
        folder: String, where the file is.
        rewards: Optional list of floats, by which the search ranks them if not by the objective.
        smoothed_ranks: Optional list of floats, what `keras_enas.smoothed` makes of the rewards.

    Attributes:
        figures: Dict from predictor (`"shared weights"`, the objective; `"reward"`, of a
            search that has one of its own; `"smoothed"`, if rewards were; and as controls
            `"parameters"` and `"FLOPs"`) to a dict with an `Estimate` each for
            `"kendall_tau"`, `"spearman"` and `"precision_at_k"`.
        predicted: Dict from predictor to a list of floats, higher is better, in the order
            of `children`.
        trained: List of floats, likewise: what they have when trained alone.
    """

    def __init__(self, children, objective, k, folder, rewards=None, smoothed_ranks=None):
        self.children = children
        self.objective = objective
        self.k = k
        self.folder = folder
        sign = 1.0 if objective.direction == "max" else -1.0
        self.trained = [_or_worst(sign * child.trained) for child in children]
        self.predicted = {
            "shared weights": [_or_worst(sign * c.shared_weights.objective) for c in children],
            **({} if rewards is None else {"reward": [_or_worst(one) for one in rewards]}),
            **({} if smoothed_ranks is None else {"smoothed": smoothed_ranks}),
            "parameters": [c.parameters for c in children],
            "FLOPs": [c.flops for c in children],
        }
        statistics = {
            "kendall_tau": kendall_tau,
            "spearman": spearman,
            "precision_at_k": precision_at(k),
        }
        self.figures = {
            name: {what: estimate(f, values, self.trained) for what, f in statistics.items()}
            for name, values in self.predicted.items()
        }

    def to_dict(self):
        """Returns everything, JSON-serialisable; NaN becomes None."""
        return _without_nan(
            {
                "objective": self.objective.name,
                "n": len(self.children),
                "k": self.k,
                "figures": {
                    name: {what: dataclasses.asdict(one) for what, one in figures.items()}
                    for name, figures in self.figures.items()
                },
            }
        )

    def summary(self):
        """Prints the table."""
        n = len(self.children)
        table = Table(title=f"Ranks of {n} architectures against those when trained alone")
        for column in ("by", "Kendall tau", "Spearman", f"precision at {self.k}"):
            table.add_column(column)
        for name, figures in self.figures.items():
            control = "\n(control)" if name in CONTROLS else ""
            table.add_row(f"{name}{control}", *map(str, figures.values()))
        console = Console()
        console.print(table)
        console.print(
            f"In brackets 95 % bootstrap intervals. Precision by chance: {self.k / max(n, 1):.2f}. "
            "Shared weights are worth their time if they rank better than the controls."
        )
        console.print(f"Files: {self.folder}", soft_wrap=True)


def rank_correlation(
    tuner,
    n,
    x,
    y=None,
    *,
    validation_data=None,
    epochs=None,
    batch_size=None,
    recipe=None,
    k=None,
    smooth_over=0,
    seed=None,
    overwrite=False,
    verbose="auto",
):
    """Trains architectures alone and compares their ranks with those by shared weights.

    Each child is written to `rank_correlation.json` in the project folder when it
    is trained. Called again in the same way, also after a kill or with a larger `n`,
    it goes on with the next child; the shared weights score all of them anew.

    Args:
        tuner: An `ENASTuner` that has searched.
        n: Integer of at least 1, how many random architectures; or a list of
            `Architecture` or of their texts.
        x: As in `fit`.
        y: As in `fit`.
        validation_data: As in `fit`. Those of the search make the shared weights'
            ranks look a little better than they are.
        epochs: Optional integer; default 10, or the recipe's.
        batch_size: Optional integer, for arrays; default 32, or the recipe's.
        recipe: Optional `keras_enas.training.Recipe`, as in `retrain`.
        k: Optional integer, of the precision at k; default a quarter of the children.
        smooth_over: Integer, how many further random architectures the shared weights score
            (as many as the space has, if that is less), so that rewards can be smoothed with
            `keras_enas.smoothed`; 0: they are not. With a `cost_target` the cost of each is
            asked for, too.
        seed: Optional integer; default the tuner's. It draws the architectures and
            seeds every child alike.
        overwrite: Boolean, whether to begin anew where the file on disk is of other
            arguments or data.
        verbose: 0: nothing; 2: also Keras's progress bar.

    Returns:
        A `RankCorrelation`.

    Raises:
        ValueError: If an argument does not fit, or the file on disk is of others.
    """
    alone = TrainingAlone(
        tuner,
        x,
        y,
        validation_data=validation_data,
        epochs=epochs,
        batch_size=batch_size,
        recipe=recipe,
        seed=seed,
        verbose=verbose,
    )
    derivation.require_rounds(tuner)
    chosen = _chosen(tuner.space, n, alone.seed)
    check_integer("k", k, 1, len(chosen), optional=True)
    check_integer("smooth_over", smooth_over, 0)
    alone.check_validation()
    path = os.path.join(tuner.project_dir, FILE)
    settings = _settings(alone)
    records = {} if overwrite else _read(path, settings)

    for i, architecture in enumerate(chosen):
        text = str(architecture)
        if text in records:
            continue
        if verbose:
            print(f"Training {i + 1}/{len(chosen)}: {text}", flush=True)
        model, seconds = alone.train(architecture)
        records[text] = {
            "trained": alone.objective(model),
            "parameters": count_parameters(model),
            "flops": count_flops(model),
            "cpu_seconds": seconds,
        }
        _write(path, settings, records)

    scores = alone.shared_weight_scores(chosen)
    children = [
        TrainedChild("random", one, score, test={}, **records[str(one)])
        for one, score in zip(chosen, scores, strict=True)
    ]
    k = max(1, len(chosen) // 4) if k is None else k
    rewards, smooth, others = _rewards(tuner, chosen, scores), None, []
    if smooth_over:
        others = random_others(tuner.space, int(smooth_over), alone.seed, chosen)
        of_others = _rewards(tuner, others, alone.shared_weight_scores(others))
        smooth = smoothed([*chosen, *others], [*rewards, *of_others])[: len(chosen)].tolist()
    rewards = rewards if tuner.has_own_reward else None
    objective, folder = tuner.oracle.objective, tuner.project_dir
    result = RankCorrelation(children, objective, k, folder, rewards, smooth)
    shared = {str(c.architecture): c.shared_weights.objective for c in children}
    figures = {**result.to_dict(), "smoothed_over": len(others)}
    _write(path, settings, records, {**figures, "shared_weights": _without_nan(shared)})
    if verbose:
        result.summary()
    return result


def _chosen(space, n, seed):
    """The architectures, each once."""
    if not isinstance(n, (list, tuple)):
        check_integer("n", n, 1)
        return random_others(space, int(n), seed, ())
    parsed = [space.parse(a) if isinstance(a, str) else a for a in n]
    for one in parsed:
        if not isinstance(one, Architecture) or one.space != space:
            raise ValueError(f"`n`: {one!r} is not an architecture of this tuner's space.")
    if not parsed:
        raise ValueError("`n` must be an integer of at least 1, or architectures. Received: [].")
    return list(dict.fromkeys(parsed))


def _rewards(tuner, architectures, scores):
    """By which the search ranks them, without what they cost: that says nothing of how good."""
    penalties = [tuner.resources.penalty(one.indices) for one in architectures]
    return [score.reward - cost for score, cost in zip(scores, penalties, strict=True)]


def _settings(alone):
    """What a trained child depends on beside its architecture, JSON-serialisable."""
    return json.loads(
        json.dumps(
            {
                "epochs": alone.epochs,
                "batch_size": alone.batch_size,
                "recipe": None if alone.recipe is None else repr(alone.recipe),
                "seed": alone.seed,
                "network": alone.fingerprint(),
                "data": described((alone.x, alone.y)),
                "validation_data": described(alone.validation_data),
            },
            default=plain_number,
        )
    )


def _read(path, settings):
    """Dict from text to what is known of each child that has been trained."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return {}
    if content["settings"] != settings:
        kept = content["settings"]
        other = [name for name, value in settings.items() if kept.get(name) != value]
        raise ValueError(
            f"The children in {path} were trained with other {', '.join(other)}. Call it in the "
            "same way to go on, or pass `overwrite=True` to begin anew."
        )
    return {
        text: {**one, "trained": math.nan if one["trained"] is None else one["trained"]}
        for text, one in content["children"].items()
    }


def _write(path, settings, records, figures=None):
    children = _without_nan(records)
    write_json(path, {"settings": settings, **(figures or {}), "children": children})


def _or_worst(value):
    """What cannot be compared stands last."""
    return value if math.isfinite(value) else -math.inf


def _without_nan(content):
    return keras.tree.map_structure(
        lambda x: None if isinstance(x, float) and not math.isfinite(x) else x, content
    )
