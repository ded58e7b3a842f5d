"""Chief and workers as real processes on loopback; one of them is killed during the search."""

import json
import pathlib
import signal
import socket

import pytest
from every_oracle import ORACLES

DRIVER = pathlib.Path(__file__).with_name("parallel_driver.py")
# Of trials that take a second, on a machine that does other things too.
TIMEOUT = 8


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


# One by default.
OTHERS = sorted({*ORACLES} - {"evolution"})


@pytest.mark.parametrize(
    "strategy",
    ["evolution", *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)],
)
def test_a_worker_is_killed_and_the_search_is_complete(strategy, run_python, tmp_path):
    printed = run_python(DRIVER, tmp_path, free_port(), TIMEOUT, strategy)
    end = json.loads(printed.strip().splitlines()[-1])
    assert end["codes"] == {"chief": 0, "tuner0": 0, "tuner1": -signal.SIGKILL}, printed
    # Every trial was trained to its end, the lost one by the other worker, and learned from once.
    chief = end["chief"]
    assert chief["statuses"] == {str(i): "COMPLETED" for i in range(4)}
    assert sorted(chief["order"]) == [str(i) for i in range(4)]
    assert chief["different"] == 4
    assert chief["learned"] == 4
    runs = (tmp_path / "runs.txt").read_text().split()
    assert (runs.count("tuner0"), runs.count("tuner1")) == (4, 1)
    # Who waits asks at most 5 times a second: without the sleep it would be thousands.
    assert chief["idle"] <= 5 * TIMEOUT + 10


@pytest.mark.slow
@pytest.mark.parametrize("strategy", sorted(ORACLES))
def test_a_chief_is_killed_and_started_again(strategy, run_python, tmp_path):
    driver = DRIVER.with_name("chief_driver.py")
    printed = run_python(driver, tmp_path, free_port(), strategy)
    end = json.loads(printed.strip().splitlines()[-1])
    # The worker has waited for it.
    assert end["codes"] == {"chief": 0, "tuner0": 0}, printed
    chief = end["chief"]
    assert chief["statuses"] == {str(i): "COMPLETED" for i in range(4)}
    assert sorted(chief["order"]) == [str(i) for i in range(4)]
    assert chief["different"] == 4
    assert (tmp_path / "runs.txt").read_text().split() == ["tuner0"] * 4
    # The first chief had learned from two before it died; the third was under way.
    assert chief["learned"] == 2
