"""What of a second opinion is on disk, and how much time it may take: ten seconds a training."""

import json

import pytest
from fake_training import DATA, SCORES, FakePool, OneOfFive, Scripted

from keras_enas import SuccessiveHalving
from keras_enas.tuner import halving


@pytest.fixture
def ten_seconds_each(monkeypatch):
    """Returns a function that sets the clock, by which each training takes ten seconds, to 0."""

    def begin():
        clock = iter(range(0, 1000, 10))
        monkeypatch.setattr(halving.time, "process_time", lambda: next(clock))

    return begin


@pytest.mark.parametrize("allowed", [None, 100])
def test_one_that_took_longer_is_not_replaced_by_a_shorter_one(allowed, tmp_path, ten_seconds_each):
    arguments, folder = (OneOfFive(), FakePool([0, 1])), str(tmp_path / "s")

    def run(limit, data):
        ten_seconds_each()
        settings = SuccessiveHalving(2, max_cpu_seconds=limit)
        return halving.halve(lambda: Scripted(SCORES), *arguments, settings, folder, data)

    run(allowed, DATA)
    before = (tmp_path / "s" / "journal.json").read_bytes()
    with pytest.raises(ValueError, match="2 trainings in 20.0 CPU seconds.* at most 19.5 seconds"):
        run(19.5, ["other"])
    assert (tmp_path / "s" / "journal.json").read_bytes() == before
    run(20, ["other"])
    assert (tmp_path / "s" / "journal.json").read_bytes() != before


def test_one_that_took_longer_than_it_may_is_replaced_by_one_that_may_as_long(
    tmp_path, ten_seconds_each
):
    """The first batch is trained however short the time, so that this is nothing special."""
    folder, settings = str(tmp_path / "s"), SuccessiveHalving(3, batch=2, max_cpu_seconds=5)
    for data in (DATA, ["other"]):
        ten_seconds_each()
        scripted = Scripted(SCORES)
        halving.halve(lambda one=scripted: one, OneOfFive(), FakePool(), settings, folder, data)
        assert [one[0] for one in scripted.trained] == [0, 1]


@pytest.mark.parametrize(
    "first, then, anew",
    [(5, 1000, True), (5, None, True), (5, 5, False), (5, 4, False), (None, 5, False)],
)
def test_one_that_ended_for_want_of_time_is_made_anew_with_more(
    first, then, anew, tmp_path, ten_seconds_each
):
    def run(limit):
        ten_seconds_each()
        scripted = Scripted(SCORES)
        settings = SuccessiveHalving(4, batch=2, max_cpu_seconds=limit)
        arguments = (OneOfFive(), FakePool(), settings, str(tmp_path / "s"), DATA)
        return halving.halve(lambda: scripted, *arguments), scripted.trained

    expected, trained = run(first)
    assert len(trained) == (6 if first is None else 2)
    found, more = run(then)
    assert len(more) == (6 if anew else 0)
    # Of four candidates, or those that there were.
    assert len(found) == (4 if anew or first is None else 2)
    if not anew:
        assert repr(found) == repr(expected)


@pytest.fixture
def run(tmp_path, ten_seconds_each):
    """Returns a function that runs one with so many seconds, and says how many were trained."""

    def run(seconds, allowed=None, replacing=None, dies_at=None, candidates=4, factor=2.0):
        ten_seconds_each()
        scripted = Scripted(SCORES, dies_at)
        settings = SuccessiveHalving(candidates, batch=2, factor=factor, max_cpu_seconds=seconds)
        arguments = (OneOfFive(), FakePool(), settings, str(tmp_path / "s"), DATA)
        try:
            halving.halve(lambda: scripted, *arguments, allowed=allowed, replacing=replacing)
        except KeyboardInterrupt:
            return "killed"
        return len(scripted.trained)

    return run


def test_what_is_left_of_the_time_is_no_other_time(run):
    """A search's own limit has other rests in other processes."""
    of_search = {"search": 100}
    assert [run(5, of_search), run(90, of_search), run(90, {"search": 120})] == [2, 0, 6]


def test_the_time_of_a_second_opinion_alone_is_another_one_than_that_of_a_search(run):
    assert [run(5, {"search": 100}), run(90, {"second opinion": 90})] == [2, 6]


def test_less_time_that_is_left_is_answered_from_disk(run):
    """Though of a search that may take more. Nothing is replaced, so nothing is to be refused."""
    assert run(25, {"second opinion": 25}) == 2
    assert run(15, {"search": 100}, replacing=15) == 0


def test_one_that_was_cut_short_and_killed_and_ended_with_more_time_is_made_anew(run):
    """By the time for which the number of its candidates was decided."""
    five = {"candidates": 5, "factor": 2.5}
    assert run(65, dies_at=5, **five) == "killed"
    assert [run(1000, **five), run(1000, **five), run(1000, **five)] == [1, 7, 0]


def test_one_that_an_earlier_version_wrote_is_not_taken_for_nothing(run, tmp_path):
    assert run(None) == 6
    path = tmp_path / "s" / "journal.json"
    content = json.loads(path.read_text())
    for name in ("limit", "cut", "ended"):
        del content[name]
    path.write_text(json.dumps({**content, "data": ["other"]}))
    with pytest.raises(ValueError, match="of 6 trainings in 60.0 CPU seconds"):
        run(2)
    path.write_text(json.dumps(content))
    assert run(2) == 0


def test_there_is_time_for_so_many(tmp_path, ten_seconds_each):
    """Of 75 the first rung takes 50, the second two more."""
    ten_seconds_each()
    scripted = Scripted(SCORES)
    settings = SuccessiveHalving(5, max_cpu_seconds=75)
    halving.halve(lambda: scripted, OneOfFive(), FakePool(), settings, str(tmp_path / "s"), DATA)
    assert [(i, first) for i, _, first, _ in scripted.trained[5:]] == [(4, 1), (1, 1)]


def test_the_first_rung_leaves_time_for_the_others(tmp_path, ten_seconds_each):
    """65 suffice for four and two, not for five and two.

    Killed and gone on with, the same.
    """
    settings = SuccessiveHalving(5, batch=2, factor=2.5, max_cpu_seconds=65)
    assert settings.rungs(4) == [(4, 1), (2, 1)]

    def run(scripted, folder):
        ten_seconds_each()
        return halving.halve(
            lambda: scripted, OneOfFive(), FakePool(), settings, str(tmp_path / folder), DATA
        )

    whole = Scripted(SCORES)
    expected = run(whole, "whole")
    assert [i for i, _, first, _ in whole.trained if first == 0] == [0, 1, 2, 3]
    assert [i for i, _, first, _ in whole.trained if first == 1] == [1, 3]
    for dies_at in range(6):
        begun, rest = Scripted(SCORES, dies_at), Scripted(SCORES)
        with pytest.raises(KeyboardInterrupt):
            run(begun, str(dies_at))
        assert repr(run(rest, str(dies_at))) == repr(expected)
        assert begun.trained + rest.trained == whole.trained


def test_gone_on_with_and_more_time_than_before(tmp_path, ten_seconds_each):
    """The second rung was cut short. With more time its number stays, and weights are there."""
    scores = {i: dict.fromkeys((1, 2, 4, 8), i / 10) for i in range(8)}

    def run(scripted, limit):
        ten_seconds_each()
        settings = SuccessiveHalving(8, max_cpu_seconds=limit)
        arguments = (OneOfFive(), FakePool(range(8)), settings, str(tmp_path / "s"), DATA)
        return halving.halve(lambda: scripted, *arguments)

    begun, rest = Scripted(scores, 9), Scripted(scores)
    with pytest.raises(KeyboardInterrupt):
        run(begun, 105)
    found = run(rest, 1000)
    assert begun.trained[8:] + rest.trained[:1] == [(7, 1, 1, 1), (6, 1, 1, 1)]
    assert [i for i, _ in found[:2]] == [7, 6] and found[0][1].epochs == 4
