"""benchmarks/nasbench201*.py run; their figures are for the benchmark's README."""

import importlib
import json

import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_enas.hypermodels.children import space_of

pytestmark = pytest.mark.slow

STOCK = ["stock random", "stock hyperband", "stock bayesian"]


@pytest.fixture
def data(pytestconfig):
    folder = pytestconfig.getoption("data")
    if folder is None:
        pytest.skip("needs --data with nasbench201/ and CIFAR-10")
    return folder


def pair(one):
    return one["mean"], one["worst"]


def test_lookup(run_python, data):
    command = ["benchmarks/nasbench201_lookup.py", "--data", data, "--seeds", 2, "--json"]
    found = json.loads(
        run_python(*command, "--strategies", "random", "evolution", "--trials", 20, 60)
    )
    assert set(found) == {"random", "evolution"}
    # 12,000 s at 120 s a cell; evolution finds that dear cells are good.
    assert found["random"]["trials"] > found["evolution"]["trials"] > 50
    for one in found.values():
        # Not always better with more trials: the reward is another one than the truth.
        assert all(85 < worst <= mean <= 94.38 for mean, worst in zip(*pair(one), strict=True))


def test_a_quick_search_is_judged_and_not_repeated(run_python, data, tmp_path):
    command = ["benchmarks/nasbench201.py", "--data", data, "--output", tmp_path, "--quick"]
    command += ["--strategies", "random", *STOCK, "--seeds", 0, "--budget-minutes", 0.5]
    command += ["--tau-every", 1]
    printed = run_python(*command, timeout=900)
    assert "control" in printed and printed.count("RandomSearch ends with") == 1
    first = (tmp_path / "results.jsonl").read_text()
    results = [json.loads(line) for line in first.splitlines()]
    assert [one["strategy"] for one in results] == ["random", *STOCK]
    for result in results:
        assert 10 <= result["truth"] <= 94.38 and result["trainings"] >= 1
        times = [seconds for seconds, _ in result["curve"]]
        assert times == sorted(times) and times[-1] == result["cpu_seconds"]
    kept = (tmp_path / "report.txt").read_text()
    assert "control: most parameters" in kept and "RandomSearch ends with" in kept
    assert -1 <= results[0]["tau"] <= 1
    assert 10 <= results[0]["truth_by_shared_weights"] <= 94.38
    assert 10 <= results[0]["truth_of_samples"] <= 94.38
    assert "random, its best-scored cell" in kept
    assert len(results[0]["taus"]) == results[0]["rounds"]
    assert set(results[0]["alarms"]) <= {"parameter_free", "entropy"}
    assert (tmp_path / "random-0.png").stat().st_size > 10_000
    assert (tmp_path / "regret.png").stat().st_size > 10_000
    run_python(*command)
    assert (tmp_path / "results.jsonl").read_text() == first
    shown = run_python(*command, "--beside", tmp_path)
    assert f"RandomSearch in {tmp_path.name} ends with" in " ".join(shown.split())
    run_python(*command, "--beside", tmp_path / "nowhere", code=1)


def test_a_search_at_a_latency(run_python, data, tmp_path):
    command = ["benchmarks/nasbench201.py", "--data", data, "--output", tmp_path, "--quick"]
    # Half of the images for each training of the stock tuner.
    command += ["--seeds", 0, "--budget-minutes", 0.5, "--stock-epochs", 0.5]
    command += ["--latency-targets", 10]
    printed = run_python(*command, "--strategies", "random", "stock random", timeout=600)
    assert printed.count("(1 of 1)") == 2
    kept = json.loads((tmp_path / "latency-10" / "random-0.json").read_text())
    assert kept["latency"] == pytest.approx(10, rel=0.05)
    # What cannot be made is said before anything is.
    run_python(*command, "0", "--strategies", "stock hyperband", timeout=60, code=1)
    run_python(*command, "1e9", "--strategies", "random", timeout=60, code=1)
    for epochs in (1.5, 0, "inf", "nan"):
        run_python(*command, "--stock-epochs", epochs, timeout=60, code=1)
    assert not list(tmp_path.glob("*.json"))


def test_short_trainings(run_python, data):
    command = ["benchmarks/short_trainings.py", "--data", data, "--near", 25, "--train", 1280]
    command += ["--trainings", "1:1", "1:0.5", "2:0.5", "--best", 3, "--others", 4]
    printed = run_python(*command).splitlines()
    lines = [line.strip("| ").split(" | ") for line in printed[4:]]
    assert [line[0] for line in lines] == [
        "parameters",
        "FLOPs",
        "cells a stage: 1, epochs: 0.5",
        "cells a stage: 1, epochs: 1, 0.5 of them before",
        "cells a stage: 2, epochs: 0.5",
    ]
    assert all(0 <= float(line[1].split()[0]) <= 1 for line in lines)
    # The longer training has the shorter one in it.
    assert float(lines[3][3]) >= float(lines[2][3])


def test_rank_correlation(run_python, data, tmp_path):
    command = ["benchmarks/rank_correlation.py", "--data", data, "--output", tmp_path]
    command += ["--rounds", 2, "--children", 4, "--epochs", 1, "--train", 1280]
    printed = run_python(*command, "--smooth-over", 20)
    lines = [line.strip("| ").split(" | ") for line in printed.splitlines() if line[:1] == "|"]
    names = [line[0] for line in lines[2:]]
    assert names == ["shared weights", "reward", "smoothed", "parameters", "FLOPs", "trained alone"]
    assert all(-1 <= float(line[-1].split()[0]) <= 1 for line in lines[2:])


class Sealed:
    """A table that says what is true only after a search."""

    def __init__(self, hypermodel):
        self.space = space_of(hypermodel)
        self.architectures = np.stack(np.unravel_index(np.arange(5**6), (5,) * 6), 1)
        counts = [hypermodel.count_parameters(tuple(one)) for one in self.architectures.tolist()]
        # What a cell takes is known beforehand; here it goes by its size.
        self.columns = {"params_cifar10": np.array(counts), "flops_cifar10": np.array(counts)}
        self.columns["latency_ms_raspi4"] = np.array(counts) / 100.0
        self.open = False
        self.asked = 0

    @property
    def truth(self):
        self.asked += 1
        assert self.open, "the truth was asked for during the search"
        return np.linspace(10, 94, len(self.architectures))

    def row(self, architecture):
        if isinstance(architecture, str):
            architecture = self.space.parse(architecture)
        indices = getattr(architecture, "indices", architecture)
        return np.ravel_multi_index(tuple(indices), (5,) * 6)

    def true_accuracy(self, architecture):
        return float(self.truth[self.row(architecture)])

    def latency(self, architecture, settings):
        return float(self.columns[settings["latency"]][self.row(architecture)])


@pytest.mark.parametrize("target", [0.0, 30.0])
def test_the_truth_is_asked_for_when_the_search_has_ended(
    benchmarks_import_each_other, tmp_path, monkeypatch, target
):
    """On digits, by the whole harness; a search that looked would fail."""
    shared = importlib.import_module("nasbench201_shared")
    settings_of = importlib.import_module("nasbench201_settings")
    settings = {**settings_of.DEFAULTS, **settings_of.QUICK, "latency_target": target}
    settings |= {"size": 8, "budget_minutes": 0.9, "second_opinion_share": 0.5}
    images, y = load_digits(return_X_y=True)
    x, y = images.reshape(-1, 8, 8, 1).astype("float32") / 16.0, y.astype("int32")
    hypermodel = importlib.import_module("nasbench201_space").hypermodel_of(settings, x)
    table = Sealed(hypermodel)
    search = shared.Timed.search

    def then_open(tuner, *args, **kwargs):
        search(tuner, *args, **kwargs)
        table.open = True

    monkeypatch.setattr(shared.Timed, "search", then_open)
    data = (x[:640], y[:640]), (x[640:840], y[640:840])
    found = shared.search("enas", 3, settings, table, data, str(tmp_path / "enas-3"))
    assert table.asked and 10 <= found["truth"] <= 94
    assert found["rounds"] > 1 and found["trainings"] >= 1
    assert set(found["alarms"]) <= {"parameter_free", "entropy"}
    if target:
        assert found["latency"] == pytest.approx(target, rel=0.05)
