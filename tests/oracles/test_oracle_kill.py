"""Real processes, really killed: every strategy ends as if nothing had happened."""

import json
import pathlib

from every_oracle import ORACLES

DRIVER = pathlib.Path(__file__).with_name("kill_driver.py")


def test_killed_twice_and_resumed(run_python, tmp_path):
    printed = run_python(DRIVER, tmp_path)
    ends = json.loads(printed.strip().splitlines()[-1])
    assert set(ends) == set(ORACLES)
    for name, (whole, resumed) in ends.items():
        assert len(whole["order"]) == 9, name
        assert resumed == whole, name
