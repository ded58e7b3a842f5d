"""Real processes, really killed: a search must end as if nothing had happened."""

import json
import os
import pathlib
import signal

import pytest
from driver import HOOKS
from small_space import STRATEGIES

DRIVER = pathlib.Path(__file__).with_name("driver.py")
# In one project one after the other: while a generation is written, then between its being there
# and KerasTuner's knowing of it, then in the second opinion.
CHAIN = ("after the first file", "oracle.json 2", "second opinion's weights")


def what_is_left(folder):
    shared = sorted(os.listdir(folder / "p" / "shared"))
    return {
        "end": json.loads((folder / "end.json").read_text()),
        "derived": (folder / "p" / "derived.json").read_bytes(),
        # The same bytes, archive and all: `sha256` in each generation.json is of these.
        "generations": {
            name: (folder / "p" / "shared" / name / "generation.json").read_bytes()
            for name in shared
        },
    }


@pytest.fixture(scope="module")
def run(run_python):
    """Returns a function that runs the driver, which must end as `code` says."""
    return lambda *arguments, code=0: run_python(DRIVER, *arguments, timeout=600, code=code)


@pytest.fixture(scope="module")
def never_killed(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return what_is_left(folder)


def test_killed_again_and_again(run, tmp_path, never_killed):
    for hook in CHAIN:
        run(tmp_path, hook, code=-signal.SIGKILL)
        assert not (tmp_path / "end.json").exists()
    run(tmp_path)
    assert what_is_left(tmp_path) == never_killed


@pytest.mark.slow
@pytest.mark.parametrize("hook", HOOKS)
def test_killed_at(hook, run, tmp_path, never_killed):
    run(tmp_path, hook, code=-signal.SIGKILL)
    run(tmp_path)
    assert what_is_left(tmp_path) == never_killed


@pytest.mark.slow
@pytest.mark.parametrize("strategy", sorted(one.__name__ for one in STRATEGIES))
def test_every_strategy_is_killed(strategy, run, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run(whole, "none", strategy)
    # In the first round, and when the second one has learned and is written down.
    for hook in ("controller", *CHAIN):
        run(killed, hook, strategy, code=-signal.SIGKILL)
    run(killed, "none", strategy)
    assert what_is_left(killed) == what_is_left(whole)
