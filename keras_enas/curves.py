"""The curves of a search by the CPU seconds that it has taken."""

import glob
import json
import os

import numpy as np

from keras_enas.plotting import new_figure

PANELS = (
    ("entropy_share", "entropy,\nshare of uniform"),
    ("controller_mean_reward", "mean reward\nof samples"),
    ("parameter_free_share", "share of operations\nwithout weights"),
    ("derived", "shared-weight {objective}\nof the derived"),
)
SIZE = (7.0, 1.7)


def plot_search(search, path=None, series=None):
    """Draws how a search went, against its CPU seconds.

    One panel each for the entropy of the policy (as a share of the uniform policy's), the
    mean reward of the samples, the share of the probability of operations that is on
    those without weights (dashed: what it is at random), and the shared-weight score
    of each round's derived architecture. Rounds with an alarm are marked by a red
    cross. What the search did not record is left out.

    Args:
        search: An `ENASTuner` that has searched, or the folder of its project.
        path: Optional string, the file to write; its ending (`.png`, `.svg`, `.pdf`)
            says the format.
        series: Optional dict from a label to a list of numbers, one for each round that
            succeeded (NaN where there is none), or to a pair of lists `(cpu_seconds,
            numbers)`: a panel each, for figures that only you know, such as Kendall's
            tau or the true regret.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If there are no rounds, or a series does not fit.
    """
    records = read_rounds(search)
    seconds = np.cumsum([record["cpu_seconds"] for record in records])
    panels = _panels(records, seconds) + _own_panels(series or {}, seconds)
    figure = new_figure((SIZE[0], 0.5 + SIZE[1] * len(panels)), layout="constrained")
    rows = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    alarmed = [time for time, record in zip(seconds, records, strict=True) if record.get("alarms")]
    for axes, (label, x, y) in zip(rows, panels, strict=True):
        axes.plot(x, y, marker="o", markersize=3, color="#1f6fb4", linewidth=1.3)
        axes.set_ylabel(label, fontsize=8)
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=8)
        axes.margins(x=0.02)
    for axes, (name, _) in zip(rows, _recorded(records), strict=False):
        if name == "parameter_free_share":
            usual = records[-1]["parameter_free_share_at_random"]
            axes.axhline(usual, color="#777777", linestyle="--", linewidth=1)
            axes.set_ylim(-0.03, 1.03)
        if name == "entropy_share":
            axes.set_ylim(-0.03, 1.03)
    rows[0].plot(
        alarmed,
        [0.9] * len(alarmed),
        "x",
        color="#c0392b",
        transform=rows[0].get_xaxis_transform(),
    )
    rows[0].set_title(f"{len(records)} rounds{' (x: an alarm)' if alarmed else ''}", fontsize=9)
    figure.align_ylabels()
    rows[-1].set_xlabel("CPU seconds", fontsize=8)
    if path is not None:
        figure.savefig(path)
    return figure


def read_rounds(search):
    """Returns the contents of all `round.json` of a search, in the order of the rounds.

    Args:
        search: An `ENASTuner`, or the folder of its project.

    Raises:
        ValueError: If there are none.
    """
    folder = getattr(search, "project_dir", search)
    if not isinstance(folder, (str, os.PathLike)):
        raise ValueError(
            "`search` must be an ENASTuner or the folder of its project. "
            f"Received: search={search!r}."
        )
    records = []
    for path in glob.glob(os.path.join(glob.escape(os.fspath(folder)), "trial_*", "round.json")):
        with open(path, encoding="utf-8") as file:
            records.append(json.load(file))
    if not records:
        raise ValueError(
            f"`search`: no round has been searched in '{folder}'. Give the project's folder, "
            "`directory/project_name`, in which there are trial_0, trial_1 and so on."
        )
    return sorted(records, key=lambda record: record["round"])


def _recorded(records):
    """The panels of which at least one round has a finite figure."""
    return [(name, label) for name, label in PANELS if np.isfinite(_column(records, name)).any()]


def _panels(records, seconds):
    objective = records[-1]["objective"]
    return [
        (label.format(objective=objective), seconds, _column(records, name))
        for name, label in _recorded(records)
    ]


def _column(records, name):
    # None, where there was nothing to record, becomes NaN.
    return np.array([record.get(name) for record in records], float)


def _own_panels(series, seconds):
    panels = []
    for label, values in series.items():
        x, y = values if isinstance(values, tuple) and len(values) == 2 else (seconds, values)
        if len(x) != len(y):
            raise ValueError(
                f"`series['{label}']` must have a number for each of the {len(x)} rounds, or be a "
                f"pair (cpu_seconds, numbers) of one length. Received {len(y)} numbers."
            )
        panels.append((label, np.asarray(x, float), np.asarray(y, float)))
    return panels
