"""What the searches of NAS-Bench-201 found: a table, a plot of regret, and the speed-up."""

import os

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogFormatter
from nasbench201_table import COUNTS, Table, allowed_cells
from rich.console import Console
from rich.table import Table as Shown

# The least regret that a logarithmic axis shows: the tables have two digits.
LEAST = 0.01
# Of a bootstrap over searches.
RESAMPLES = 1000
# More bands, from the best to the worst seed, hide each other.
MOST_BANDS = 5
# By what else the judge ranked, and how it is called.
OTHER_RANKS = {
    "smoothed": "ranks by smoothed scores",
    "with_prior": "ranks by score and prior",
    "of_objective": "ranks by the objective",
}


def report(results, settings, data, folder, beside=None):
    """Prints the table and the speed-up, keeps them in `report.txt`, and draws `regret.png`.

    Args:
        results: List of dicts, as the searches wrote them; their strategies are shown in
            the order in which they come.
        settings: Dict as in `nasbench201_settings.py`.
        data: String, the folder of the table.
        folder: String, where they go.
        beside: Optional dict from the name of another run, of other settings, to the results of
            its `RandomSearch`: they are shown, too.
    """
    table = Table(data)
    by_strategy = {}
    for one in results:
        by_strategy.setdefault(one["strategy"], []).append(one)
    for name, others in (beside or {}).items():
        by_strategy[f"stock random in {name}"] = others
    if settings["latency_target"]:
        by_strategy = {name: list(map(returnable, mine)) for name, mine in by_strategy.items()}
    allowed = allowed_cells(table, settings)
    console = Console(width=140, record=True)
    console.print(shown(by_strategy, table, allowed, settings["latency_target"]))
    plot(
        by_strategy,
        table.truth[allowed],
        table.columns["params_cifar10"][allowed],
        os.path.join(folder, "regret.png"),
    )
    of_random = [name for name in by_strategy if name.startswith("stock random")]
    for name in by_strategy:
        for other in [] if name.startswith("stock") else of_random:
            of_other = other.replace("stock random", "RandomSearch")
            said = speed_up(name, by_strategy[name], by_strategy[other], of_other)
            console.print(said, highlight=False)
    codes = sorted({str(one.get("code", "not noted")) for one in results})
    console.print(f"Code of the searches: {', '.join(codes)}", highlight=False)
    console.save_text(os.path.join(folder, "report.txt"))


def returnable(result):
    """A result whose curve leaves out what rounds derived, which may be too far from a target.

    What follows, of the second opinion and of the end, is near to it, as is all of a stock tuner.
    """
    return {**result, "curve": result["curve"][result.get("rounds", 0) :]}


def shown(by_strategy, table, allowed, target):
    """Each strategy, and the controls.

    Args:
        by_strategy: Dict from name to a list of results.
        table: The `Table`.
        allowed: Booleans of its cells, those that may be returned.
        target: Number, milliseconds; 0 for none.
    """
    rows = Shown(title="True CIFAR-10 test accuracy of the cell that was returned")
    for column in ("", "mean ± deviation", "worst", "n", "better cells, %"):
        rows.add_column(column)
    for column in ("tau", "tau, better half", "CPU s (most)"):
        rows.add_column(column)
    if target:
        rows.add_column(f"ms (within 5 % of {target:g})")
    truths = table.truth[allowed]
    for name, mine in by_strategy.items():
        truth = [one["truth"] for one in mine]
        seconds = [one["cpu_seconds"] for one in mine]
        latency = [one["latency"] for one in mine]
        within = sum(abs(one / target - 1) <= 0.05 for one in latency) if target else 0
        rows.add_row(
            name,
            mean_and_deviation(truth, ".2f"),
            f"{min(truth):.2f}",
            str(len(truth)),
            share_above(truths, truth),
            *(
                mean_and_deviation([one[key] for one in mine], ".3f") if key in mine[0] else ""
                for key in ("tau", "tau_better_half")
            ),
            f"{np.mean(seconds):,.0f} ({max(seconds):,.0f})",
            *([f"{np.mean(latency):.2f} ({within} of {len(mine)})"] if target else []),
        )
        for key, said in OTHER_RANKS.items():
            if all(f"tau_{key}" in one for one in mine):
                both = (f"tau_{key}", f"tau_better_half_{key}")
                taus = [mean_and_deviation([one[each] for one in mine], ".3f") for each in both]
                rows.add_row(f"{name}, {said}", "", "", "", "", *taus)
        alone = [one["truth_by_shared_weights"] for one in mine if "truth_by_shared_weights" in one]
        if alone:
            found = mean_and_deviation(alone, ".2f"), f"{min(alone):.2f}", str(len(alone))
            found += (share_above(truths, alone),)
            rows.add_row(f"{name}, its best-scored cell", *found)
        samples = [one["truth_of_samples"] for one in mine if "truth_of_samples" in one]
        if samples:
            found = mean_and_deviation(samples, ".2f"), f"{min(samples):.2f}", str(len(samples))
            rows.add_row(f"{name}, mean of what it samples at the end", *found)
    judged = [one for mine in by_strategy.values() for one in mine if "tau_of_parameters" in one]
    for name, column in COUNTS.items():
        largest = truths[int(np.argmax(table.columns[column][allowed]))]
        # On the cells on which the searches were judged, the same for all of them.
        taus = [f"tau_of_{name}", f"tau_better_half_of_{name}"]
        known = judged[0] if judged else {}
        shown_taus = [f"{known[key]:.3f}" if key in known else "" for key in taus]
        found = f"{largest:.2f}", f"{largest:.2f}", "1", share_above(truths, [largest])
        rows.add_row(f"control: most {name}", *found, *shown_taus, "0")
    drawn = f"{truths.mean():.2f} ± {truths.std():.2f}", f"{truths.min():.2f}", f"{len(truths):,}"
    rows.add_row("control: a random cell", *drawn, share_above(truths, truths), "0", "0", "0")
    median = np.median(truths)
    rows.add_row("the median cell", f"{median:.2f}", "", "1", share_above(truths, [median]))
    rows.add_row("the best cell", f"{truths.max():.2f}", "", "1", "0.0")
    return rows


def share_above(truths, found):
    """A text of the percentage of cells that are better, on average over what was found."""
    below = np.searchsorted(np.sort(truths), found, side="right")
    return f"{100 * np.mean(1 - below / len(truths)):.1f}"


def mean_and_deviation(values, form):
    """A text of the mean, with the deviation if there is one; what is None is left out."""
    values = [one for one in values if one is not None]
    if not values:
        return ""
    deviation = f" ± {np.std(values, ddof=1):{form}}" if len(values) > 1 else ""
    return f"{np.mean(values):{form}}{deviation}"


def on_a_grid(searches):
    """What each search would have returned, had it ended at a time.

    Args:
        searches: List of dicts with a `curve`.

    Returns:
        Float arrays: CPU seconds `(times,)` from the first at which every search had
        something to the last that any has, and the truth `(searches, times)`.
    """
    curves = [np.array(one["curve"]) for one in searches]
    times = np.unique(np.concatenate([curve[:, 0] for curve in curves]))
    times = times[times >= max(curve[0, 0] for curve in curves)]
    places = [np.searchsorted(curve[:, 0], times, side="right") - 1 for curve in curves]
    return times, np.array([curve[place, 1] for curve, place in zip(curves, places, strict=True)])


def there_for_good(searches, truth):
    """CPU seconds after which the mean of searches is at least `truth`; None if it is not."""
    times, found = on_a_grid(searches)
    # A mean of the same figures may differ in its last digit.
    below = np.flatnonzero(found.mean(0) < truth - 1e-9)
    if len(below) and below[-1] == len(times) - 1:
        return None
    return times[below[-1] + 1 if len(below) else 0]


def speed_ups(searches, random):
    """How many times as fast searches are as random search, by the means of both.

    Args:
        searches: List of dicts with a `curve`.
        random: Likewise, of random search, with `truth` and `cpu_seconds`.

    Returns:
        Two floats: the time of all of random search over that after which the searches have, for
        good, what it has at its end; and the time by the same rule of random search itself over
        it. 0, if the searches do not get there.
    """
    end = np.mean([one["truth"] for one in random])
    passed = there_for_good(searches, end)
    if passed is None:
        return 0.0, 0.0
    spent = np.mean([one["cpu_seconds"] for one in random])
    return spent / passed, there_for_good(random, end) / passed


def intervals(searches, random):
    """The 95 % percentile intervals of `speed_ups` over bootstrap samples of both."""
    rng = np.random.default_rng(0)

    def sample(found):
        return [found[i] for i in rng.integers(len(found), size=len(found))]

    found = [speed_ups(sample(searches), sample(random)) for _ in range(RESAMPLES)]
    return np.quantile(found, [0.025, 0.975], axis=0).T


def speed_up(name, searches, random, of_random="RandomSearch"):
    """Says when a strategy passed what random search had at its end, and stayed above.

    Args:
        name: String.
        searches: List of dicts with a `curve`.
        random: List of dicts of KerasTuner's `RandomSearch`.
        of_random: String, what that is called.

    Returns:
        A text.
    """
    end = np.mean([one["truth"] for one in random])
    spent = np.mean([one["cpu_seconds"] for one in random])
    passed, itself = there_for_good(searches, end), there_for_good(random, end)
    said = (
        f"{of_random} ends with {end:.2f} after {spent:.0f} CPU s and has it for good after "
        f"{itself:.0f} (n = {len(random)}); {name}"
    )
    if passed is None:
        found = np.mean([one["truth"] for one in searches])
        return f"{said} does not reach it, with {found:.2f} (n = {len(searches)})."
    with_it = sum(one["truth"] >= end for one in searches)
    times, means = on_a_grid(random)
    then = means.mean(0)[times <= passed]
    # A ratio of times says little where random search was as good long before.
    has = f"{then[-1]:.2f}" if len(then) else "nothing yet"
    ratios = [f"{ratio:.1f}" for ratio in speed_ups(searches, random)]
    if max(len(searches), len(random)) > 1:
        both = zip(ratios, intervals(searches, random), strict=True)
        ratios = [f"{ratio} ({low:.1f} to {high:.1f})" for ratio, (low, high) in both]
    return (
        f"{said} has it for good after {passed:.0f}, when {of_random} has {has}: {ratios[0]} times "
        f"as fast as all of it, {ratios[1]} times as fast by the same rule "
        f"(n = {len(searches)}, of which {with_it} end with as much)."
    )


class Plain(LogFormatter):
    """Plain numbers where Matplotlib has labels, which may be powers of ten."""

    def __call__(self, x, pos=None):
        return f"{x:g}" if super().__call__(x, pos) else ""


def plot(by_strategy, truths, parameters, path):
    """Draws the true regret by CPU seconds: means, and of a few from the best to the worst seed.

    Args:
        by_strategy: Dict from name to a list of results.
        truths: Floats, of the cells that a search may return.
        parameters: Numbers, of the same.
        path: String.
    """
    best = truths.max()
    figure, axes = plt.subplots(figsize=(9, 5.5), layout="constrained")
    for i, (name, searches) in enumerate(by_strategy.items()):
        times, truth = on_a_grid(searches)
        regret = np.maximum(best - truth, LEAST)
        style = "--" if name.startswith("stock") else "-"
        (line,) = axes.step(
            times, regret.mean(0), style, where="post", color=f"C{i % 10}", label=name
        )
        if len(by_strategy) <= MOST_BANDS:
            axes.fill_between(
                times, regret.min(0), regret.max(0), step="post", alpha=0.12, color=line.get_color()
            )
    largest = best - truths[int(np.argmax(parameters))]
    axes.axhline(largest, color="grey", linestyle=":", label="the cell with most parameters")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="CPU seconds",
        ylabel="true regret, points of accuracy",
        title="NAS-Bench-201, CIFAR-10: the best cell's test accuracy less the returned one's",
    )
    # Plain numbers.
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        # Labels between the powers of ten where there are few of these.
        axis.set_minor_formatter(Plain(minor_thresholds=(1.5, 0.5)))
    figure.legend(fontsize="small", loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=120)
    plt.close(figure)
