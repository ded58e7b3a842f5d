"""What a search found, and how it is shown."""

import dataclasses
import json

from rich.console import Console
from rich.table import Table

from keras_enas.cost import count_flops, count_parameters
from keras_enas.search_space import Architecture
from keras_enas.tuner.generations import write_json
from keras_enas.tuner.round import Score
from keras_enas.tuner.second_opinion import SecondOpinion

NOTE = (
    "A shared-weight score is meant to rank architectures. It is not what a trained model "
    "scores: call `tuner.retrain(...)` for that."
)


@dataclasses.dataclass(frozen=True)
class FoundArchitecture:
    """An architecture and what is known of it.

    Args:
        architecture: The `Architecture`.
        score: Its shared-weight `Score`.
        parameters: Optional integer, trainable parameters of its child.
        flops: Optional integer, operations of the child for one example.
        second_opinion: Optional `SecondOpinion`, of a short training of its own.
        cost: Optional number, what the argument `cost` of the tuner says.
        prior: Optional float, what the prior of a second opinion says; higher is better.
    """

    architecture: Architecture
    score: Score
    parameters: int | None = None
    flops: int | None = None
    second_opinion: SecondOpinion | None = None
    cost: float | None = None
    prior: float | None = None

    def with_cost(self, child):
        """Returns a copy with parameters and FLOPs of its child."""
        return dataclasses.replace(
            self, parameters=count_parameters(child), flops=count_flops(child)
        )


def write_found(path, found, after, goal=None):
    """Writes derived architectures to a file, and after how many rounds it was.

    Args:
        path: String.
        found: List of `FoundArchitecture`.
        after: Integer.
        goal: Optional dict, what was asked of their cost.
    """
    content = []
    for one in found:
        second = one.second_opinion
        content.append(
            {
                "architecture": str(one.architecture),
                "score": dataclasses.asdict(one.score),
                **({} if second is None else {"second_opinion": dataclasses.asdict(second)}),
                **({} if one.cost is None else {"cost": one.cost}),
                **({} if one.prior is None else {"prior": one.prior}),
            }
        )
    asked = {} if goal is None else {"goal": goal}
    write_json(path, {"note": NOTE, "rounds": after, **asked, "derived": content})


def read_found(path, space):
    """Returns the derived architectures, after how many rounds, and for what goal.

    `([], None, None)` if there are none.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return [], None, None
    found = [
        FoundArchitecture(
            space.parse(one["architecture"]),
            Score(**one["score"]),
            second_opinion=one.get("second_opinion") and SecondOpinion(**one["second_opinion"]),
            cost=one.get("cost"),
            prior=one.get("prior"),
        )
        for one in content["derived"]
    ]
    return found, content["rounds"], content.get("goal")


def print_found(found, objective, folder, cost=None, rewards=False):
    """Prints derived architectures as a table.

    Args:
        found: List of `FoundArchitecture` with parameters and FLOPs.
        objective: String.
        folder: String, where the files are.
        cost: Optional string, what their cost is.
        rewards: Boolean, whether they are ranked by rewards other than the objective, which
            are shown then.
    """

    def shown_reward(one):
        return f" (reward {one.reward:.4f})" if rewards else ""

    name = objective.removeprefix("val_")
    opinions = any(one.second_opinion is not None for one in found)
    priors = any(one.prior is not None for one in found)
    trainings = f"short trainings of their own{' and prior' if priors else ''}"
    by = f"{trainings}, then by shared weights" if opinions else "shared weights"
    table = Table(title=f"Best architectures by {by}")
    costs = any(one.cost is not None for one in found)
    trained = [f"trained alone for a while: val {name}"] if opinions else []
    prior = ["prior"] if priors else []
    # The counts stand beside a prior: what does not rank better than they do is not worth its time.
    for column in ("", f"shared-weight val {name}", *trained, *prior, "parameters", "FLOPs"):
        table.add_column(column)
    if costs:
        table.add_column(cost or "cost")
    for rank, one in enumerate(found, 1):
        score, second = one.score, one.second_opinion
        row = [str(rank), f"{score.objective:.4f} ± {score.deviation:.4f}{shown_reward(score)}"]
        if second is not None:
            # It may be judged by the objective all the same.
            by_objective = abs(second.reward) == abs(second.objective)
            earned = "" if by_objective else shown_reward(second)
            row.append(f"{second.objective:.4f}{earned} after {second.epochs:g} epochs")
        elif opinions:
            row.append("-")
        if priors:
            row.append("-" if one.prior is None else f"{one.prior:,.6g}")
        shown = [f"{one.cost:,.6g}"] if costs else []
        table.add_row(*row, f"{one.parameters:,}", f"{one.flops:,}", *shown)
    console = Console()
    console.print(table)
    for rank, one in enumerate(found, 1):
        console.print(f"{rank}: {one.architecture}", highlight=False)
    console.print(NOTE)
    console.print(f"Files: {folder}", soft_wrap=True)
