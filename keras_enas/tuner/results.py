"""What a search found, and how it is shown."""

import dataclasses
import json

from rich.console import Console
from rich.table import Table

from keras_enas.cost import count_flops, count_parameters
from keras_enas.search_space import Architecture
from keras_enas.tuner.generations import write_json
from keras_enas.tuner.round import Score

NOTE = (
    "A shared-weight score ranks architectures. It is not what a trained model scores: "
    "call `tuner.retrain(...)` for that."
)


@dataclasses.dataclass(frozen=True)
class FoundArchitecture:
    """An architecture and what is known of it.

    Args:
        architecture: The `Architecture`.
        score: Its shared-weight `Score`.
        parameters: Optional integer, trainable parameters of its child.
        flops: Optional integer, operations of the child for one example.
    """

    architecture: Architecture
    score: Score
    parameters: int | None = None
    flops: int | None = None

    def with_cost(self, child):
        """Returns a copy with the cost of its child."""
        return dataclasses.replace(
            self, parameters=count_parameters(child), flops=count_flops(child)
        )


def write_found(path, found, after):
    """Writes derived architectures to a file, and after how many rounds it was."""
    content = [
        {"architecture": str(one.architecture), "score": dataclasses.asdict(one.score)}
        for one in found
    ]
    write_json(path, {"note": NOTE, "rounds": after, "derived": content})


def read_found(path, space):
    """Returns the derived architectures and after how many rounds, `([], None)` if absent."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return [], None
    found = [
        FoundArchitecture(space.parse(one["architecture"]), Score(**one["score"]))
        for one in content["derived"]
    ]
    return found, content["rounds"]


def print_found(found, objective, folder):
    """Prints derived architectures as a table."""
    name = objective.removeprefix("val_")
    table = Table(title="Best architectures by shared weights")
    for column in ("", f"shared-weight val {name}", "parameters", "FLOPs"):
        table.add_column(column)
    for rank, one in enumerate(found, 1):
        score = f"{one.score.objective:.4f} ± {one.score.deviation:.4f}"
        table.add_row(str(rank), score, f"{one.parameters:,}", f"{one.flops:,}")
    console = Console()
    console.print(table)
    for rank, one in enumerate(found, 1):
        console.print(f"{rank}: {one.architecture}", highlight=False)
    console.print(NOTE)
    console.print(f"Files: {folder}", soft_wrap=True)
