"""Costs are asked for once, and kept whole or not at all."""

import json

import pytest

from keras_enas.search_space import Decision, SearchSpace
from keras_enas.tuner.resources.known import KnownCosts
from keras_enas.tuner.resources.source import Source

SPACE = SearchSpace([Decision("a", "op", ("x", "y")), Decision("b", "op", ("x", "y", "z"))])


class Clock:
    """A cost that is another one whenever it is asked for, as a measured one is."""

    def __init__(self, first=0.1):
        self.asked = []
        self.first = first

    def __call__(self, architecture):
        self.asked.append(architecture.indices)
        return self.first + len(self.asked) / 3


def known(path, ask, name="clock", kept=True, children=lambda: None):
    costs = KnownCosts(Source(name, ask, kept, children=children), SPACE)
    costs.open(str(path))
    return costs


def test_each_is_asked_for_once_and_found_again(tmp_path):
    path, clock = tmp_path / "costs.jsonl", Clock()
    costs = known(path, clock)
    first = costs.of([(0, 1), (1, 2), (0, 1)])
    assert first[0] == first[2] != first[1]
    assert costs.of([(1, 2)]) == [first[1]]
    assert clock.asked == [(0, 1), (1, 2)]
    later = Clock(first=99)
    again = known(path, later)
    # Bit for bit.
    assert again.of([(0, 1), (1, 2)]) == first[:2] and not later.asked
    assert again.of([(0, 0)]) != first[:1]
    assert known(path, never).of([(0, 0)]) == again.of([(0, 0)])


def never(architecture):
    raise AssertionError("It was asked for again.")


def test_a_line_that_was_cut_off_is_not_there(tmp_path):
    path = tmp_path / "costs.jsonl"
    one, two = known(path, Clock()).of([(0, 1), (1, 2)])
    path.write_bytes(path.read_bytes()[:-3])
    clock = Clock(first=50)
    costs = known(path, clock)
    assert costs.of([(0, 1)]) == [one] and not clock.asked
    assert costs.of([(1, 2)]) != [two]
    assert known(path, never).of([(0, 1), (1, 2)]) == costs.of([(0, 1), (1, 2)])
    # Even if it was the first one.
    path.write_bytes(path.read_bytes()[:4])
    known(path, Clock()).of([(0, 1)])
    known(path, never).of([(0, 1)])


def test_cheap_costs_leave_no_file(tmp_path):
    known(tmp_path / "costs.jsonl", Clock(), kept=False).of([(0, 1)])
    assert not list(tmp_path.iterdir())


def test_costs_of_another_kind_or_none(tmp_path):
    path = tmp_path / "costs.jsonl"
    known(path, Clock()).of([(0, 1)])
    with pytest.raises(ValueError, match="was searched with 'clock', not with 'other'"):
        known(path, Clock(), name="other")
    # Of which networks they are is not known of these; of others it is.
    known(path, never, children=lambda: "a").of([(0, 1)])
    path.unlink()
    known(path, Clock(), children=lambda: "a").of([(0, 1)])
    known(path, never, children=lambda: "a").of([(0, 1)])
    with pytest.raises(ValueError, match="with other layers.*remove the file"):
        known(path, Clock(), children=lambda: "b")
    for line in ('["x w", 3]', "3", '{"a": 1}', "["):
        path.write_text(json.dumps({"cost of": "clock"}) + "\n" + line + "\n")
        with pytest.raises(ValueError, match=r"costs.jsonl cannot be read.*Remove the file"):
            known(path, Clock())


def test_what_is_measured_in_long_calls_is_written_meanwhile(tmp_path, monkeypatch):
    path, seconds = tmp_path / "costs.jsonl", iter(range(0, 1000, 11))
    monkeypatch.setattr("keras_enas.tuner.resources.known.time.monotonic", lambda: next(seconds))

    def ask(architecture):
        if architecture.indices == (1, 2):
            raise KeyboardInterrupt
        return 1.5

    with pytest.raises(KeyboardInterrupt):
        known(path, ask).of([(0, 1), (0, 2), (1, 2)])
    monkeypatch.undo()
    assert known(path, never).of([(0, 1), (0, 2)]) == [1.5, 1.5]
