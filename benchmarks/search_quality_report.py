"""What came of the searches and trainings: statistics and a table."""

import numpy as np
import scipy.stats
from rich.console import Console
from rich.table import Table
from search_quality_files import finite


def improvement(derived, random, better="max", level=0.95):
    """Relative improvement of a mean over another one in percent, with Welch's interval.

    Args:
        derived: Sequence of floats.
        random: Sequence of floats, whose mean is 100 percent.
        better: `"max"`, or `"min"` where less is better: then a reduction is positive.
        level: Float, of the interval.

    Returns:
        Tuple of the improvement and a list of both ends of its interval, which are
        None if there is only one value of a kind, or if all are alike.
    """
    scale = 100.0 / np.mean(random)
    a, b = (derived, random) if better == "max" else (random, derived)
    relative = float((np.mean(a) - np.mean(b)) * scale)
    if min(len(a), len(b)) < 2 or np.ptp(a) == np.ptp(b) == 0.0:
        return relative, [None, None]
    welch = scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(level)
    return relative, [float(welch.low * scale), float(welch.high * scale)]


def kendall(pairs):
    """Kendall's tau of pairs; None where it is not defined (all alike, less than two)."""
    pairs = [pair for pair in pairs if None not in pair]
    if len(pairs) < 2:
        return None
    return finite(scipy.stats.kendalltau(*zip(*pairs, strict=True)).statistic)


def mean(values):
    """Mean; None of no value."""
    return float(np.mean(values)) if len(values) else None


def deviation(values):
    """Standard deviation of a sample; None of less than two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def figures_of(searches, trained, better="max"):
    """Computes the figures of the table.

    Args:
        searches: List of what `search_quality_work.search` returned.
        trained: Dict from an architecture's text to what `train_child` returned.
        better: `"max"` or `"min"`, of the test figure.

    Returns:
        Dict, JSON-serialisable. A training that did not end finite is None in it,
        counted by `not_finite` and left out of the means.

    Raises:
        SystemExit: If no derived or no random one was trained to a finite figure.
    """

    def tests(found):
        return [trained[one["architecture"]]["test"] for one in found]

    derived = {str(s["seed"]): tests(s["derived"]) for s in searches}
    random = tests(searches[0]["random"])
    of_derived = [value for values in derived.values() for value in values if value is not None]
    of_random = [value for value in random if value is not None]
    if not of_derived or not of_random:
        raise SystemExit("Nothing to compare: all trainings of a kind ended with NaN or infinity.")
    first = [values[0] for values in derived.values() if values[0] is not None]
    not_finite = sum(map(len, derived.values())) + len(random) - len(of_derived) - len(of_random)
    relative, interval = improvement(of_derived, of_random, better)
    best = {"max": np.max, "min": np.min}[better]
    sign = 1.0 if better == "max" else -1.0
    # Of the random ones, which are the same for all searches; higher is better.
    worth = [None if value is None else sign * value for value in random]
    parameters = [trained[one["architecture"]]["parameters"] for one in searches[0]["random"]]
    rewards = [[one["reward"] for one in s["random"]] for s in searches]
    bookkeeping = [s["bookkeeping_share"] for s in searches]
    cost = np.median([t["cpu_seconds"] for t in trained.values()])
    seconds = np.mean([s["cpu_seconds"] for s in searches])
    return {
        "derived_test": derived,
        "derived_mean": mean(of_derived),
        "derived_deviation": deviation(of_derived),
        "first_choice_mean": mean(first),
        "first_choice_deviation": deviation(first),
        "random_test": random,
        "random_mean": mean(of_random),
        "random_deviation": deviation(of_random),
        "random_best": float(best(of_random)),
        "not_finite": not_finite,
        "relative_improvement_percent": relative,
        "relative_improvement_interval": interval,
        "kendall_tau": [kendall(zip(mine, worth, strict=True)) for mine in rewards],
        "kendall_tau_of_parameters": kendall(zip(parameters, worth, strict=True)),
        "search_cpu_seconds": float(seconds),
        "rounds_unrecorded": sum(s["rounds_unrecorded"] for s in searches),
        "child_cpu_seconds": float(cost),
        "search_costs_children": float(seconds / cost),
        "architectures_judged": float(np.mean([s["architectures_judged"] for s in searches])),
        # That of searches with a second opinion is not known.
        "bookkeeping_share": None if None in bookkeeping else float(np.median(bookkeeping)),
        "train_traces": max(s["train_traces"] for s in searches),
        "score_traces": max(s["score_traces"] for s in searches),
    }


def show(figures, title, figure):
    """Prints the table.

    Args:
        figures: What `figures_of` returned.
        title: String.
        figure: String, what the test figure is.
    """

    def number(value):
        if value is None:
            return "-"
        return f"{value:.4f}" if figure == "accuracy" else f"{value:.2f}"

    def spread(key):
        return f"{number(figures[f'{key}_mean'])} ± {number(figures[f'{key}_deviation'])}"

    def hundredths(value, sign=""):
        return "-" if value is None else f"{value:{sign}.2f}"

    derived, random = figures["derived_test"], figures["random_test"]
    table = Table(title=f"{title}: derived against random, trained alone")
    for column in ("", f"test {figure}", "n"):
        table.add_column(column)
    table.add_row("derived (all)", spread("derived"), str(sum(map(len, derived.values()))))
    table.add_row("first choice of each search", spread("first_choice"), str(len(derived)))
    table.add_row("random", spread("random"), str(len(random)))
    for seed, values in derived.items():
        table.add_row(f"derived, seed {seed}", ", ".join(map(number, values)), "")
    table.add_row("best of random", number(figures["random_best"]), "")
    console = Console()
    console.print(table)
    low, high = (hundredths(end, "+") for end in figures["relative_improvement_interval"])
    lines = [
        f"Relative improvement over random {figures['relative_improvement_percent']:+.2f} % "
        f"(95 % interval {low} to {high})",
        f"Kendall tau, shared-weight score against test {figure} of the random ones: "
        f"{', '.join(map(hundredths, figures['kendall_tau']))}; "
        f"number of parameters: {hundredths(figures['kendall_tau_of_parameters'])}",
        f"Search {figures['search_cpu_seconds']:.0f} CPU s, one trained child "
        f"{figures['child_cpu_seconds']:.0f} CPU s: a search costs "
        f"{figures['search_costs_children']:.1f} children and judged "
        f"{figures['architectures_judged']:.0f} architectures",
    ]
    if figures["bookkeeping_share"] is not None:
        lines.append(f"Bookkeeping {figures['bookkeeping_share']:.1%} of the search")
    if figures["rounds_unrecorded"]:
        lines.append(
            "The search's cost is approximate: it was interrupted, and "
            f"{figures['rounds_unrecorded']} rounds left no record of theirs"
        )
    if figures["not_finite"]:
        lines.append(f"{figures['not_finite']} trainings did not end finite and are left out")
    console.print("\n".join(lines), highlight=False)
