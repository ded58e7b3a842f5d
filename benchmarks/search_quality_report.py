"""What came of the searches and trainings: statistics and a table."""

import numpy as np
import scipy.stats
from rich.console import Console
from rich.table import Table


def improvement(derived, random, better="max", level=0.95):
    """Relative improvement of a mean over another one in percent, with Welch's interval.

    Args:
        derived: Sequence of floats.
        random: Sequence of floats, whose mean is 100 percent.
        better: `"max"`, or `"min"` where less is better: then a reduction is positive.
        level: Float, of the interval.

    Returns:
        Tuple of three floats: the improvement and both ends of its interval.
    """
    scale = 100.0 / np.mean(random)
    a, b = (derived, random) if better == "max" else (random, derived)
    welch = scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(level)
    ends = (np.mean(a) - np.mean(b), welch.low, welch.high)
    return tuple(float(end * scale) for end in ends)


def kendall(pairs):
    """Kendall's tau of pairs; None where it is not defined (all alike, less than two)."""
    pairs = [pair for pair in pairs if None not in pair]
    if len(pairs) < 2:
        return None
    tau = scipy.stats.kendalltau(*zip(*pairs, strict=True)).statistic
    return float(tau) if np.isfinite(tau) else None


def deviation(values):
    """Standard deviation of a sample; None of a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def figures_of(searches, trained, better="max"):
    """Computes the figures of the table.

    Args:
        searches: List of what `search_quality_work.search` returned.
        trained: Dict from an architecture's text to what `train_child` returned.
        better: `"max"` or `"min"`, of the test figure.

    Returns:
        Dict, JSON-serialisable.
    """

    def tests(found):
        return [trained[one["architecture"]]["test"] for one in found]

    derived = {str(s["seed"]): tests(s["derived"]) for s in searches}
    random = tests(searches[0]["random"])
    diverged = sum(value is None for values in [*derived.values(), random] for value in values)
    everyone = [value for values in derived.values() for value in values if value is not None]
    first = [values[0] for values in derived.values() if values[0] is not None]
    finite = [value for value in random if value is not None]
    relative, *ends = improvement(everyone, finite, better)
    best = {"max": np.max, "min": np.min}[better]
    sign = 1.0 if better == "max" else -1.0
    parameters = [
        (trained[r["architecture"]]["parameters"], None if value is None else sign * value)
        for r, value in zip(searches[0]["random"], random, strict=True)
    ]
    cost = np.median([t["cpu_seconds"] for t in trained.values()])
    seconds = np.mean([s["cpu_seconds"] for s in searches])
    return {
        "derived_test": derived,
        "derived_mean": float(np.mean(everyone)),
        "derived_deviation": deviation(everyone),
        "first_choice_mean": float(np.mean(first)),
        "first_choice_deviation": deviation(first),
        "random_test": random,
        "random_mean": float(np.mean(finite)),
        "random_deviation": deviation(finite),
        "random_best": float(best(finite)),
        "not_finite": diverged,
        "relative_improvement_percent": relative,
        "relative_improvement_interval": ends,
        "kendall_tau": [
            kendall([(r["shared"], trained[r["architecture"]]["test"]) for r in s["random"]])
            for s in searches
        ],
        "kendall_tau_of_parameters": kendall(parameters),
        "search_cpu_seconds": float(seconds),
        "rounds_unrecorded": sum(s.get("rounds_unrecorded", 0) for s in searches),
        "child_cpu_seconds": float(cost),
        "search_costs_children": float(seconds / cost),
        "architectures_judged": float(np.mean([s["architectures_judged"] for s in searches])),
        "bookkeeping_share": float(np.median([s["bookkeeping_share"] for s in searches])),
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

    def mean(key):
        return f"{number(figures[f'{key}_mean'])} ± {number(figures[f'{key}_deviation'])}"

    derived, random = figures["derived_test"], figures["random_test"]
    table = Table(title=f"{title}: derived against random, trained alone")
    for column in ("", f"test {figure}", "n"):
        table.add_column(column)
    table.add_row("derived (all)", mean("derived"), str(sum(map(len, derived.values()))))
    table.add_row("first choice of each search", mean("first_choice"), str(len(derived)))
    table.add_row("random", mean("random"), str(len(random)))
    for seed, values in derived.items():
        table.add_row(f"derived, seed {seed}", ", ".join(map(number, values)), "")
    table.add_row("best of random", number(figures["random_best"]), "")
    console = Console()
    console.print(table)
    low, high = figures["relative_improvement_interval"]
    taus = ", ".join("-" if t is None else f"{t:.2f}" for t in figures["kendall_tau"])
    of_parameters = figures["kendall_tau_of_parameters"]
    lines = [
        f"Relative improvement over random {figures['relative_improvement_percent']:+.2f} % "
        f"(95 % interval {low:+.2f} to {high:+.2f})",
        f"Kendall tau, shared-weight score against test {figure} of the random ones: {taus}; "
        "number of parameters: "
        + ("all alike" if of_parameters is None else f"{of_parameters:.2f}"),
        f"Search {figures['search_cpu_seconds']:.0f} CPU s, one trained child "
        f"{figures['child_cpu_seconds']:.0f} CPU s: a search costs "
        f"{figures['search_costs_children']:.1f} children and judged "
        f"{figures['architectures_judged']:.0f} architectures",
        f"Bookkeeping {figures['bookkeeping_share']:.1%} of the search",
    ]
    if figures["rounds_unrecorded"]:
        lines.append(
            "The search's cost is approximate: it was interrupted, and "
            f"{figures['rounds_unrecorded']} rounds left no record of theirs"
        )
    if figures["not_finite"]:
        lines.append(f"{figures['not_finite']} trainings did not end finite and are left out")
    console.print("\n".join(lines), highlight=False)
