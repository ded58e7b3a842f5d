"""The curves of a search by its CPU seconds."""

import json
import math
import sys

import numpy as np
import pytest

from keras_enas.curves import plot_search, read_rounds


def write(folder, records):
    for i, record in enumerate(records):
        trial = folder / f"trial_{i:02d}"
        trial.mkdir(parents=True)
        (trial / "round.json").write_text(json.dumps({"round": i, **record}))


@pytest.fixture
def folder(tmp_path):
    """A project of twelve rounds, the first a warm-up, the last with an alarm."""
    rng = np.random.default_rng(0)
    records = []
    for i in range(12):
        record = {
            "objective": "val_accuracy",
            "cpu_seconds": 20.0 if i == 0 else 10.0,
            "derived": 0.6 - 0.4 * 0.8**i + 0.02 * rng.normal(),
            "entropy_share": 1.0 if i == 0 else 0.9**i,
            "parameter_free_share": 0.6 + 0.03 * i,
            "parameter_free_share_at_random": 0.6,
            "alarms": {"parameter_free": "It collapses."} if i == 11 else {},
        }
        if i:
            record["controller_mean_reward"] = record["derived"] - 0.05
        records.append(record)
    write(tmp_path / "p", records)
    return tmp_path / "p"


def test_panels_by_cumulative_seconds(folder, tmp_path):
    pytest.importorskip("matplotlib")
    tau = [math.nan] * 6 + [0.5] * 6
    series = {"Kendall tau": tau, "regret": ([10, 70], [3.0, 1.0])}
    figure = plot_search(folder, tmp_path / "curves.png", series)
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert len(figure.axes) == 6
    x, y = figure.axes[0].lines[0].get_data()
    np.testing.assert_allclose(x, 20 + 10 * np.arange(12))
    np.testing.assert_allclose(y[1:], 0.9 ** np.arange(1, 12))
    # The warm-up earned nothing.
    assert np.isnan(figure.axes[1].lines[0].get_ydata()[0])
    assert "val_accuracy" in figure.axes[3].get_ylabel()
    np.testing.assert_array_equal(figure.axes[5].lines[0].get_data(), [[10, 70], [3.0, 1.0]])
    marked = [line.get_xdata() for line in figure.axes[0].lines if line.get_marker() == "x"]
    np.testing.assert_array_equal(marked, [[130.0]])


def test_what_was_not_recorded_is_left_out(tmp_path):
    pytest.importorskip("matplotlib")
    record = {"objective": "val_loss", "cpu_seconds": 1.0, "derived": 1.0}
    write(tmp_path, [{**record, "parameter_free_share": None, "entropy_share": None}] * 2)
    assert [axes.get_ylabel() for axes in plot_search(tmp_path).axes] == [
        "shared-weight val_loss\nof the derived"
    ]


def test_rounds_are_in_order(folder):
    assert [record["round"] for record in read_rounds(str(folder))] == list(range(12))


@pytest.mark.parametrize(
    ("search", "series", "message"),
    [
        (3, None, "`search` must be an ENASTuner or the folder"),
        ("nowhere", None, "no round has been searched in 'nowhere'"),
        (None, {"tau": [1.0]}, r"`series\['tau'\]` must have a number for each of the 12 rounds"),
        (None, {"tau": ([1.0, 2.0], [1.0])}, r"`series\['tau'\]`.*Received 1 numbers"),
    ],
)
def test_bad_input(folder, search, series, message):
    with pytest.raises(ValueError, match=message):
        plot_search(folder if search is None else search, series=series)


def test_names_the_extra_that_brings_matplotlib(folder, monkeypatch):
    for name in [n for n in sys.modules if n.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"keras-enas\[examples\]"):
        plot_search(folder)
