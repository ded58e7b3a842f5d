"""The trade-off between objective and cost: what no other architecture beats in both."""

from rich.console import Console
from rich.table import Table

from keras_enas.oracles.checks import check_integer
from keras_enas.tuner import derivation, results, search_data
from keras_enas.tuner import round as rounds
from keras_enas.tuner.resources.plot import plot_pareto
from keras_enas.tuner.resources.scored import keep, scored


def front(qualities, costs):
    """Positions of the points that no other beats.

    A point is beaten by one that is at least as good in both and better in one.

    Args:
        qualities: Sequence of numbers, higher is better.
        costs: Sequence of numbers, lower is better.

    Returns:
        List of positions, the lowest cost first.
    """
    order = sorted(range(len(costs)), key=lambda i: (costs[i], -qualities[i]))
    kept = []
    for i in order:
        point = qualities[i], costs[i]
        last = (qualities[kept[-1]], costs[kept[-1]]) if kept else None
        if last in (None, point) or qualities[i] > last[0]:
            kept.append(i)
    return kept


def pareto(tuner, k=0, validation_data=None, batch_size=None, path=None, verbose=True):
    """Shows the architectures scored so far that no other beats in objective and cost.

    The objective is meant also where the search ranks by another `reward`.

    Scored so far are those that `derive` (which `search` calls when it ends)
    and this function have scored on all validation data since the last round.

    Args:
        tuner: An `ENASTuner` with a `cost`.
        k: Integer, how many samples to score first, within the limit but however
            far from the target: with a target `derive` scores only what is near to it.
        validation_data: As in `derive`, for these.
        batch_size: As in `derive`.
        path: Optional string, the file of a plot; its ending says the format.
        verbose: Boolean, whether the table is printed.

    Returns:
        List of `FoundArchitecture`, cheapest first. Their scores are scores with
        shared weights, not what trained models score.

    Raises:
        ValueError: If there is no cost, nothing has been searched or scored, or
            an argument does not fit.
    """
    check_integer("k", k, 0)
    if not tuner.resources:
        raise ValueError("`pareto` needs a cost: `ENASTuner(..., cost='parameters')`, say.")
    derivation.require_rounds(tuner)
    if k:
        _score_more(tuner, k, validation_data, batch_size)
    if not scored(tuner):
        tuner.derive(None, validation_data, batch_size)
    found = scored(tuner)
    objective = tuner.oracle.objective
    sign = 1.0 if objective.direction == "max" else -1.0
    best = front([sign * one.score.objective for one in found], [one.cost for one in found])
    best = [found[i] for i in best]
    name = f"shared-weight val {objective.name.removeprefix('val_')}"
    if verbose:
        _print(best, len(found), name, tuner.resources)
    if path is not None:
        plot_pareto(found, best, name, tuner.resources.name, tuner.resources.goal, path)
    return best


def _score_more(tuner, k, validation_data, batch_size):
    oracle = tuner.oracle
    validation = search_data.validation_of(tuner, validation_data, batch_size)
    known = {one.architecture.indices for one in scored(tuner)}
    # As in `derive`: a search that goes on must not depend on this.
    before = oracle.get_arrays()
    try:
        drawn = tuner.resources.limited(oracle).sample(k)
    finally:
        oracle.set_arrays(before)
    simple = dict.fromkeys(tuner.simplest(row) for row in drawn)
    drawn = [one for one in simple if one not in known and tuner.resources.allows(one)]
    more = rounds.derive(tuner.judge, validation, drawn)
    costs = tuner.resources.costs([indices for indices, _ in more])
    keep(
        tuner,
        [
            results.FoundArchitecture(tuner.space.architecture(indices), score, cost=cost)
            for (indices, score), cost in zip(more, costs, strict=True)
        ],
    )


def _print(best, total, name, resources):
    table = Table(title=f"Not beaten in both, of {total} architectures scored by shared weights")
    for column in ("", resources.name, name):
        table.add_column(column)
    target = resources.goal.target
    if target is not None:
        table.add_column(f"from the target {target:.6g}")
    for rank, one in enumerate(best, 1):
        score = f"{one.score.objective:.4f} ± {one.score.deviation:.4f}"
        off = [] if target is None else [f"{one.cost / target - 1:+.1%}"]
        table.add_row(str(rank), f"{one.cost:,.6g}", score, *off)
    console = Console()
    console.print(table)
    for rank, one in enumerate(best, 1):
        console.print(f"{rank}: {one.architecture}", highlight=False)
    console.print(results.NOTE)
