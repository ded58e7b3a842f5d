"""What benchmarks/nasbench201.py says of the curves of searches."""

import importlib
import json
import types

import numpy as np
import pytest

SLOW = {"curve": [[100, 90.0], [500, 93.5], [1790, 93.5]], "truth": 93.5, "cpu_seconds": 1790}


@pytest.fixture(scope="module")
def report(benchmarks_import_each_other):
    return importlib.import_module("nasbench201_report")


def test_on_a_grid(report):
    """From when both have something; each is what it last was."""
    one, two = {"curve": [[1, 10], [4, 40]]}, {"curve": [[2, 20], [3, 30], [5, 25]]}
    times, truth = report.on_a_grid([one, two])
    assert times.tolist() == [2, 3, 4, 5]
    assert truth.tolist() == [[10, 10, 40, 40], [20, 30, 30, 25]]


def test_there_for_good(report):
    up_and_down = {"curve": [[1, 94], [2, 90], [4, 93.5], [8, 94]]}
    assert report.there_for_good([up_and_down], 93.5) == 4
    assert report.there_for_good([up_and_down], 90) == 1
    assert report.there_for_good([up_and_down], 94.1) is None


def test_the_speed_up_is_told_by_both_rules(report):
    fast = {"curve": [[50, 80.0], [250, 93.6]], "truth": 93.6, "cpu_seconds": 1800}
    said = report.speed_up("enas", [fast], [SLOW])
    assert "after 250, when RandomSearch has 90.00: 7.2 times as fast as all of it" in said
    assert "2.0 times as fast by the same rule (n = 1, of which 1 end with as much)" in said
    poor = {"curve": [[50, 80.0]], "truth": 80.0, "cpu_seconds": 1800}
    assert "does not reach it, with 80.00 (n = 1)" in report.speed_up("enas", [poor], [SLOW])


def test_the_speed_up_has_an_interval_over_searches(report):
    fast = {"curve": [[50, 80.0], [250, 93.6]], "truth": 93.6, "cpu_seconds": 1800}
    never = {"curve": [[50, 80.0]], "truth": 80.0, "cpu_seconds": 1800}
    early = {**SLOW, "curve": [[40, 93.5], [1790, 93.5]]}
    (low, high), (same_low, same_high) = report.intervals([fast] * 9, [SLOW, early])
    # All of ours are alike, and so is the end of random search; when it has that for good is not.
    assert low == high == pytest.approx(1790 / 250)
    assert (same_low, same_high) == pytest.approx((40 / 250, 500 / 250))
    # Some samples do not get there.
    (low, high), _ = report.intervals([fast, never], [SLOW])
    assert low == 0 and high == pytest.approx(1790 / 250)
    said = report.speed_up("enas", [fast] * 9, [SLOW, early])
    assert "7.2 (7.2 to 7.2) times" in said and "2.0 (0.2 to 2.0) times" in said


def test_controls_stand_beside_what_was_found(report):
    """By what they would return, and how they rank the cells on which the searches are judged."""
    columns = {"params_cifar10": np.array([1, 3, 2]), "flops_cifar10": np.array([3, 1, 2])}
    table = types.SimpleNamespace(truth=np.array([80.0, 90.0, 94.0]), columns=columns)
    found = {"tau": 0.5, "tau_better_half": 0.2, "latency": 7.0, "truth_by_shared_weights": 89.0}
    found |= {"tau_of_parameters": 0.4, "tau_better_half_of_parameters": 0.3}
    found |= {"tau_with_prior": 0.6, "tau_better_half_with_prior": 0.45}
    found |= {"tau_smoothed": 0.55, "tau_better_half_smoothed": 0.25}
    found |= {"tau_of_objective": 0.3, "tau_better_half_of_objective": 0.1}
    searches = [{**found, "truth": 92.0, "cpu_seconds": s} for s in (100, 1500)]
    # Searches of before it was noted have none.
    searches[1]["truth_of_samples"] = 91.0
    shown = report.shown({"enas": searches}, table, np.ones(3, bool), 0)
    rows = list(zip(*(column.cells for column in shown.columns), strict=True))
    assert rows[0][:4] == ("enas", "92.00 ± 0.00", "92.00", "2")
    # One of the three cells is better.
    assert rows[0][4:] == ("33.3", "0.500 ± 0.000", "0.200 ± 0.000", "800 (1,500)")
    assert rows[1][:1] + rows[1][5:7] == (
        "enas, ranks by smoothed scores",
        "0.550 ± 0.000",
        "0.250 ± 0.000",
    )
    assert rows[2][:7] == (
        "enas, ranks by score and prior",
        "",
        "",
        "",
        "",
        "0.600 ± 0.000",
        "0.450 ± 0.000",
    )
    assert rows[3][0] == "enas, ranks by the objective"
    assert rows[3][5:7] == ("0.300 ± 0.000", "0.100 ± 0.000")
    assert rows[4][:3] == ("enas, its best-scored cell", "89.00 ± 0.00", "89.00")
    assert rows[4][3:5] == ("2", "66.7")
    assert rows[5][0] == "enas, mean of what it samples at the end"
    assert rows[5][1:4] == ("91.00", "91.00", "1")
    assert rows[6] == (
        "control: most parameters",
        "90.00",
        "90.00",
        "1",
        "33.3",
        "0.400",
        "0.300",
        "0",
    )
    assert rows[7] == ("control: most FLOPs", "80.00", "80.00", "1", "66.7", "", "", "0")
    assert rows[8][:5] == ("control: a random cell", "88.00 ± 5.89", "80.00", "3", "33.3")
    assert rows[9][:5] == ("the median cell", "90.00", "", "1", "33.3")
    assert rows[10][:5] == ("the best cell", "94.00", "", "1", "0.0")


def test_near_to_a_target_what_rounds_derived_does_not_count(report):
    """It may be too far from it, and could not have been returned."""
    curve = [[1, 94.0], [2, 94.1], [3, 92.0], [4, 93.0]]
    assert report.returnable({"curve": curve, "rounds": 2})["curve"] == curve[2:]
    assert report.returnable({"curve": curve})["curve"] == curve


def test_random_search_of_other_settings_is_shown(report, monkeypatch, tmp_path, capsys):
    columns = {"params_cifar10": np.array([1, 3, 2]), "flops_cifar10": np.array([3, 1, 2])}
    table = types.SimpleNamespace(truth=np.array([80.0, 90.0, 94.0]), columns=columns)
    monkeypatch.setattr(report, "Table", lambda data: table)
    fast = {"curve": [[50, 80.0], [250, 93.6]], "truth": 93.6, "cpu_seconds": 300, "latency": 1.0}
    slow = {**SLOW, "latency": 1.0}
    ours = [{**fast, "strategy": "enas"}, {**slow, "strategy": "stock random"}]
    other = {**slow, "curve": [[900, 93.0]], "truth": 93.0, "cpu_seconds": 900}
    settings = {"latency_target": 0.0}
    report.report(ours, settings, "data", str(tmp_path), {"deeper": [other]})
    shown = capsys.readouterr().out
    assert (tmp_path / "report.txt").read_text() == shown
    shown = " ".join(shown.split())
    said = [line for line in shown.split("RandomSearch")[1:] if "ends" in line]
    assert [line.split(" after")[0] for line in said] == [
        " ends with 93.50",
        " in deeper ends with 93.00",
    ]
    assert "stock random in deeper" in shown and "3.6 times as fast as all of it" in shown
    assert (tmp_path / "regret.png").stat().st_size > 10_000


def test_a_figure_that_is_missing_is_left_out(report):
    assert report.mean_and_deviation([0.5, None, 0.7], ".2f") == "0.60 ± 0.14"
    assert report.mean_and_deviation([None], ".2f") == ""


def test_the_report_is_of_all_that_a_folder_has(benchmarks_import_each_other, tmp_path):
    """In the order of strategies and of seeds, whoever made it; what is unfinished is not read."""
    benchmark = importlib.import_module("nasbench201")
    for strategy, seed in (("stock random", 10), ("stock random", 2), ("enas", 0)):
        path = tmp_path / f"{benchmark.file_of(strategy)}-{seed}.json"
        path.write_text(json.dumps({"strategy": strategy, "seed": seed}))
    (tmp_path / "random-0.json.made").write_text("{")
    (tmp_path / "settings.json").write_text("{}")
    found = [(one["strategy"], one["seed"]) for one in benchmark.results_in(str(tmp_path))]
    assert found == [("enas", 0), ("stock random", 2), ("stock random", 10)]
