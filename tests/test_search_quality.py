"""`benchmarks/search_quality.py`: its statistics, shared work and resumed costs."""

import importlib
import json
import pathlib
import re
import signal
import subprocess
import sys
import types

import numpy as np
import pytest
import scipy.stats

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent / "benchmarks"

# As `real_data.py` of CIFAR-10, with a tenth of the images.
IMAGES = """
import numpy as np

def load_cifar10(batches):
    def part(number):
        rng = np.random.default_rng(number)
        images = rng.integers(0, 256, (1000, 32, 32, 3), "uint8")
        return images, rng.integers(0, 10, (1000, 1), "uint8")

    parts = [part(number) for number in batches]
    return tuple(map(np.concatenate, zip(*parts))), part(0)
"""


pytestmark = pytest.mark.usefixtures("benchmarks_import_each_other")


@pytest.fixture
def report():
    return importlib.import_module("search_quality_report")


@pytest.fixture
def files():
    return importlib.import_module("search_quality_files")


# The statistics.


def test_the_improvement_is_what_one_works_out_by_hand(report):
    # Means 0.7 and 0.5, variances of the means 0.01 / 3 and 0.02 / 12.
    derived, random = [0.6, 0.7, 0.8], [0.5, 0.6, 0.4, 0.5]
    of_derived, of_random = 0.01 / 3, 0.02 / 12
    freedom = (of_derived + of_random) ** 2 / (of_derived**2 / 2 + of_random**2 / 3)
    assert freedom == pytest.approx(27 / 7)
    half = 100 / 0.5 * np.sqrt(0.005) * scipy.stats.t.ppf(0.975, freedom)
    relative, interval = report.improvement(derived, random)
    assert relative == pytest.approx(40.0)
    assert interval == pytest.approx([40.0 - half, 40.0 + half])


def test_a_lower_perplexity_is_an_improvement(report):
    # 100 against 120: a sixth less.
    derived, random = [90.0, 110.0], [110.0, 120.0, 130.0]
    relative, (low, high) = report.improvement(derived, random, "min")
    assert relative == pytest.approx(100 / 6)
    assert low < relative < high and (low + high) / 2 == pytest.approx(relative)
    other, (other_low, other_high) = report.improvement(derived, random, "max")
    assert [other, other_low, other_high] == pytest.approx([-relative, -high, -low])


@pytest.mark.parametrize("derived", [[0.6], [0.6, 0.6]])
def test_without_spread_there_is_no_interval(report, derived):
    assert report.improvement(derived, [0.5, 0.5]) == (pytest.approx(20.0), [None, None])
    assert report.kendall([(0.1, 0.5), (0.2, 0.5)]) is None
    assert report.kendall([(0.1, 0.5), (0.2, None)]) is None


def test_kendall_leaves_out_what_did_not_end_finite(report):
    # Of three pairs two are in order: (2 - 1) / 3.
    pairs = [(1.0, 10.0), (2.0, 30.0), (9.0, None), (3.0, 20.0)]
    assert report.kendall(pairs) == pytest.approx(1 / 3)


def made_up(better, unrecorded=0):
    """A search and trainings in which higher scores mean better ones, and so do parameters."""
    sign = 1.0 if better == "max" else -1.0
    tests = {"a": 100 + sign * 20, "b": 100 + sign * 30, "c": 100.0, "d": 100 + sign * 10}
    trained = {
        name: {"test": test, "parameters": 1000 + sign * test, "cpu_seconds": seconds}
        for (name, test), seconds in zip(tests.items(), [10.0, 20.0, 30.0, 100.0], strict=True)
    }
    trained["e"] = {"test": None, "parameters": 7, "cpu_seconds": 25.0}
    # What is shared is an accuracy or a perplexity too; what it earns is higher for better ones.
    shared = {"c": 50.0, "d": 50.0 + sign, "e": 49.0}
    random = [{"architecture": n, "shared": s, "reward": sign * s} for n, s in shared.items()]
    search = {
        "seed": 3,
        "cpu_seconds": 200.0,
        "rounds_unrecorded": unrecorded,
        "bookkeeping_share": 0.02,
        "architectures_judged": 60,
        "train_traces": 1,
        "score_traces": 1,
        "derived": [{"architecture": name, "shared": 1.0} for name in "ba"],
        "random": random,
    }
    return [search], trained


@pytest.mark.parametrize("better", ["max", "min"])
def test_the_figures(report, better):
    figures = report.figures_of(*made_up(better), better)
    sign = 1.0 if better == "max" else -1.0
    assert figures["derived_test"] == {"3": [100 + sign * 30, 100 + sign * 20]}
    assert figures["derived_mean"] == 100 + sign * 25
    assert figures["derived_deviation"] == pytest.approx(np.sqrt(50))
    assert figures["first_choice_mean"] == 100 + sign * 30
    assert figures["first_choice_deviation"] is None
    assert figures["random_test"] == [100.0, 100 + sign * 10, None]
    assert figures["random_mean"] == 100 + sign * 5
    assert figures["random_best"] == 100 + sign * 10
    assert figures["not_finite"] == 1
    assert figures["relative_improvement_percent"] == pytest.approx(100 * 20 / (100 + sign * 5))
    # 1 where what the search prefers is better, and where larger is better.
    assert figures["kendall_tau"] == [1.0]
    assert figures["kendall_tau_of_parameters"] == 1.0
    # The median of 10, 20, 25, 30 and 100 seconds.
    assert figures["search_costs_children"] == 200 / 25
    json.dumps(figures, allow_nan=False)


def test_the_table_says_what_is_missing(report, capsys):
    report.show(report.figures_of(*made_up("min"), "min"), "title", "perplexity")
    shown = capsys.readouterr().out
    assert "1 trainings did not end finite" in shown and "approximate" not in shown
    searches, trained = made_up("min", unrecorded=2)
    searches[0]["derived"] = searches[0]["derived"][:1]
    report.show(report.figures_of(searches, trained, "min"), "title", "perplexity")
    shown = " ".join(capsys.readouterr().out.split())
    assert "cost is approximate" in shown and "2 rounds left no record" in shown
    assert "interval - to -" in shown and "Bookkeeping 2.0%" in shown
    searches[0]["bookkeeping_share"] = None
    report.show(report.figures_of(searches, trained, "min"), "title", "perplexity")
    assert "Bookkeeping" not in capsys.readouterr().out


def test_nothing_finite_is_nothing_to_compare(report):
    searches, trained = made_up("min")
    searches[0]["derived"] = [{"architecture": "e", "shared": 1.0}]
    with pytest.raises(SystemExit, match="Nothing to compare"):
        report.figures_of(searches, trained, "min")


# Work that several processes share.

HOLD = """
import sys
from search_quality_files import made_together

def make():
    print("making", flush=True)
    sys.stdin.readline()
    return "theirs"

made_together({sys.argv[1]: make})
"""


@pytest.fixture
def holder(tmp_path):
    """The path of a result, and a process that is making it until it gets a line or a kill."""
    path = str(tmp_path / "one.json")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        cwd=BENCHMARKS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "making\n"
        yield path, process
        process.kill()


def names(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


def test_what_another_process_makes_is_not_made_again(files, holder, tmp_path):
    path, process = holder
    with files.claimed(path) as ours:
        assert not ours
    made = []

    def other():
        made.append("other")
        # Only now may the first one end: the others were not held up by it.
        process.stdin.write("\n")
        process.stdin.flush()
        return "ours"

    def again():
        raise AssertionError("it was made twice")

    jobs = {path: again, str(tmp_path / "two.json"): other}
    assert list(files.made_together(jobs).values()) == ["theirs", "ours"]
    assert made == ["other"]


def test_a_killed_process_leaves_nothing_behind(files, holder, tmp_path):
    path, process = holder
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert names(tmp_path) == ["one.json.lock"]
    assert files.made_together({path: lambda: "ours"}) == {path: "ours"}
    assert names(tmp_path) == ["one.json", "one.json.lock"]


def test_work_that_failed_can_be_done_again(files, tmp_path):
    path = str(tmp_path / "one.json")
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.made_together({path: lambda: float("nan")})
    assert files.made_together({path: lambda: files.finite(float("nan"))}) == {path: None}


def test_a_run_keeps_its_settings(files, tmp_path):
    path = str(tmp_path / "settings.json")
    files.same_settings(path, {"space": "macro", "rounds": 2})
    files.same_settings(path, {"space": "macro", "rounds": 2})
    with pytest.raises(SystemExit, match=re.escape("'rounds': (2, 3)")):
        files.same_settings(path, {"space": "macro", "rounds": 3})


# What a search has cost that went on.


def half_done(folder, recorded, kept):
    """What `earlier_cost` reads of a tuner: two rounds ended, some recorded, weights kept."""
    for number, seconds in recorded.items():
        (folder / f"trial_{number}").mkdir()
        content = json.dumps({"cpu_seconds": seconds})
        (folder / f"trial_{number}" / "round.json").write_text(content)
    for number in kept:
        (folder / "shared" / f"generation-{number:06d}").mkdir(parents=True)
    return types.SimpleNamespace(
        oracle=types.SimpleNamespace(end_order=["0", "1"]),
        project_dir=str(folder),
        get_trial_dir=lambda trial_id: str(folder / f"trial_{trial_id}"),
    )


@pytest.mark.parametrize(
    "recorded, kept, expected",
    [
        ({0: 2.5, 1: 4.0}, [0, 1, 2], (6.5, 0)),
        # One that failed recorded nothing.
        ({1: 4.0}, [0, 2], (4.0, 1)),
        # Killed between its weights and its record.
        ({0: 2.5, 1: 4.0}, [2, 3], (6.5, 1)),
        ({0: 2.5, 1: 4.0}, [], (6.5, 0)),
    ],
)
def test_the_cost_of_earlier_rounds(tmp_path, recorded, kept, expected):
    work = importlib.import_module("search_quality_work")
    assert work.earlier_cost(half_done(tmp_path, recorded, kept)) == expected


# Whole runs.


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with made-up images and texts."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "real_data.py").write_text(IMAGES)
    rng = np.random.default_rng(0)
    chances = 1.0 / np.arange(1, 301)
    for part, tokens in (("train", 20_000), ("valid", 5_000), ("test", 5_000)):
        words = rng.choice(300, tokens, p=chances / chances.sum())
        lines = [" ".join(f"word{word}" for word in line) for line in words.reshape(-1, 20)]
        (folder / f"{part}.txt").write_text("\n".join(lines))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "space, options",
    [
        ("macro", ()),
        ("macro", ("--sampling", "fair", "--reward", "linear probe", "--candidates", 3)),
        ("micro", ()),
        ("recurrent", ()),
    ],
)
def test_quick(space, options, run_python, data, tmp_path):
    output = tmp_path / "run"
    command = [BENCHMARKS / "search_quality.py", "--space", space, "--quick", *options]
    command += ["--data", data, "--output", output]
    figures = json.loads(run_python(*command, "--json", timeout=600).splitlines()[-1])
    assert figures == json.loads((output / "figures.json").read_text())
    assert figures["settings"]["space"] == space and figures["settings"]["seeds"] == [0]
    assert figures["train_traces"] == figures["score_traces"] == 1
    assert len(figures["derived_test"]["0"]) == 1 and len(figures["random_test"]) == 2
    assert figures["not_finite"] == figures["rounds_unrecorded"] == 0
    assert (output / "search-0" / "second_opinion").exists() == bool(options)
    for child in output.glob("child-*.json"):
        content = json.loads(child.read_text())
        assert content["flops"] > 0 and content["parameters"] > 0
    # Interrupted before the search was written down, and a round has no record.
    (output / "search-0.json").unlink()
    (output / "search-0" / "trial_0" / "round.json").unlink()
    shown = " ".join(run_python(*command, timeout=600).split())
    assert "cost is approximate" in shown
    again = json.loads((output / "figures.json").read_text())
    assert again["rounds_unrecorded"] == 1
    same = "derived_test", "random_test", "kendall_tau"
    assert [again[key] for key in same] == [figures[key] for key in same]
    # Other settings do not fit what is there.
    run_python(*command, "--rounds", "3", code=1)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--space", "macro", "--nodes", "3"], "--nodes is no setting of --space macro"),
        (["--space", "micro", "--random", "0"], "--random must be at least 1"),
    ],
)
def test_settings_that_cannot_be_meant(arguments, said, monkeypatch, tmp_path, capsys):
    program = importlib.import_module("search_quality")
    folders = ["--data", str(tmp_path), "--output", str(tmp_path / "run")]
    monkeypatch.setattr(sys, "argv", ["search_quality.py", *folders, *arguments])
    with pytest.raises(SystemExit):
        program.main()
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
