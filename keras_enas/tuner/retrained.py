"""What `retrain` returns: children trained from scratch, and their table."""

import dataclasses
import math

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from keras_enas.search_space import Architecture
from keras_enas.tuner.round import Score


@dataclasses.dataclass(frozen=True)
class TrainedChild:
    """One architecture trained from scratch.

    Args:
        origin: `"derived"` or `"random"`.
        architecture: The `Architecture`.
        shared_weights: Its `Score` with shared weights, before it was trained.
        trained: Float, the objective on the validation data after the last epoch.
        test: Dict of metrics on the test data, empty if there are none.
        parameters: Integer, trainable parameters.
        flops: Integer, operations for one example.
        cpu_seconds: Float, CPU time of building and training.
        cost: Optional number, what the argument `cost` of the tuner says.
    """

    origin: str
    architecture: Architecture
    shared_weights: Score
    trained: float
    test: dict
    parameters: int
    flops: int
    cpu_seconds: float
    cost: float | None = None


class Retrained:
    """What `retrain` returns.

    Attributes:
        model: The best trained child, in stock Keras layers.
        architecture: Its `Architecture`.
        children: List of `TrainedChild`, derived ones first.
        objective: The `keras_tuner.Objective`.
        folder: String, where the files are.
    """

    def __init__(self, model, best, children, objective, folder):
        self.model = model
        self.architecture = best.architecture
        self.children = children
        self.objective = objective
        self.folder = folder

    def relative_improvement(self):
        """How much better the derived ones' mean is than the random ones', in percent.

        `(derived - random) / |random|` of the trained objective (Yang et al. 2020),
        its sign turned for an objective that is to be small: positive if the
        derived are better. NaN without random ones, or if their mean is 0.
        """
        means = [
            np.mean([c.trained for c in self.children if c.origin == origin] or [math.nan])
            for origin in ("derived", "random")
        ]
        if means[1] == 0:
            return math.nan
        sign = 1.0 if self.objective.direction == "max" else -1.0
        return float(sign * 100.0 * (means[0] - means[1]) / abs(means[1]))

    def comparison(self):
        """The relative improvement in words, of any metric: `2.33 % lower (better) than ...`."""
        improvement = self.relative_improvement()
        if not math.isfinite(improvement):
            return "not comparable with the random mean"
        if round(improvement, 2) == 0:
            return "the same as the random mean, to 0.01 %"
        better = improvement > 0
        higher = better == (self.objective.direction == "max")
        return (
            f"{abs(improvement):.2f} % {'higher' if higher else 'lower'} "
            f"({'better' if better else 'worse'}) than the random mean"
        )

    def to_dict(self):
        """Returns everything but the model, JSON-serialisable; NaN becomes None."""
        children = [
            dataclasses.asdict(dataclasses.replace(c, architecture=str(c.architecture)))
            for c in self.children
        ]
        content = {
            "objective": self.objective.name,
            "best": str(self.architecture),
            "relative_improvement_over_random_percent": self.relative_improvement(),
            "children": children,
        }
        return keras.tree.map_structure(
            lambda x: None if isinstance(x, float) and not math.isfinite(x) else x, content
        )

    def summary(self):
        """Prints the table."""
        name = self.objective.name.removeprefix("val_")
        tests = [metric for metric in self.children[0].test if metric != "loss"]
        table = Table(title="Trained from scratch under one recipe")
        for column in ("", "origin", f"shared weights:\nval {name}", f"trained:\nval {name}"):
            table.add_column(column)
        for column in (*(f"test\n{metric}" for metric in tests), "para-\nmeters", "mega-\nFLOPs"):
            table.add_column(column, justify="right")
        costs = any(child.cost is not None for child in self.children)
        for column in (*(["cost"] if costs else []), "CPU\ns"):
            table.add_column(column, justify="right")
        for number, child in enumerate(self.children, 1):
            score = child.shared_weights
            table.add_row(
                str(number),
                child.origin,
                f"{score.objective:.4f} ± {score.deviation:.3f}",
                f"{child.trained:.4f}",
                *(f"{child.test[metric]:.4f}" for metric in tests),
                f"{child.parameters:,}",
                f"{child.flops / 1e6:.3g}",
                *([f"{child.cost:,.6g}"] if costs else []),
                f"{child.cpu_seconds:.0f}",
            )
        console = Console()
        console.print(table)
        for number, child in enumerate(self.children, 1):
            console.print(f"{number}: {child.architecture}", highlight=False)
        counts = [sum(c.origin == o for c in self.children) for o in ("derived", "random")]
        if counts[1]:
            console.print(
                f"Derived ({counts[0]}) against random ({counts[1]}): trained val {name} "
                f"{self.comparison()}."
            )
        console.print(
            "Scores with shared weights are meant to rank; only the trained ones are what a "
            "network attains by itself."
        )
        console.print(f"Files: {self.folder}", soft_wrap=True)
