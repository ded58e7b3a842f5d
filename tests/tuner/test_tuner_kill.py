"""Real processes, really killed: a search must end as if nothing had happened."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from driver import HOOKS

DRIVER = pathlib.Path(__file__).with_name("driver.py")
# In one project one after the other: while a generation is written, then between its being there
# and KerasTuner's knowing of it.
CHAIN = ("after the first file", "oracle.json 2")


def run(folder, hook=None):
    """Runs the driver; returns its exit code."""
    root = DRIVER.parent.parent.parent
    result = subprocess.run(
        [sys.executable, str(DRIVER), str(folder), *([hook] if hook else [])],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode in (0, -signal.SIGKILL), result.stderr[-4000:]
    return result.returncode


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
def never_killed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder) == 0
    return what_is_left(folder)


def test_killed_twice(tmp_path, never_killed):
    for hook in CHAIN:
        assert run(tmp_path, hook) == -signal.SIGKILL, hook
        assert not (tmp_path / "end.json").exists()
    assert run(tmp_path) == 0
    assert what_is_left(tmp_path) == never_killed


@pytest.mark.slow
@pytest.mark.parametrize("hook", HOOKS)
def test_killed_at(hook, tmp_path, never_killed):
    assert run(tmp_path, hook) == -signal.SIGKILL
    assert run(tmp_path) == 0
    assert what_is_left(tmp_path) == never_killed
