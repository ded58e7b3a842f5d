"""A search that may take so much CPU time."""

import pytest
from small_space import SmallSpace

from keras_enas import ENASTuner, SuccessiveHalving
from keras_enas.tuner import budget


class Clock:
    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(budget.time, "process_time", lambda: self.now)


class Rounds:
    """Stands for a tuner, whose rounds took what is written here."""

    def __init__(self, seconds, monkeypatch):
        monkeypatch.setattr(budget, "seconds_of_rounds", lambda tuner: tuner.seconds)
        self.seconds = seconds


def test_rounds_end_when_another_one_would_be_too_much(monkeypatch):
    clock, tuner = Clock(monkeypatch), Rounds([10.0, 12.0], monkeypatch)
    limit = budget.Budget(100, SuccessiveHalving(share=0.4))
    clock.now = 1000
    # What an earlier process took counts, and all that this one does.
    limit.begin(tuner)
    clock.now += 26
    assert limit.spent() == 48
    assert not limit.is_spent(tuner)
    clock.now += 2
    assert limit.is_spent(tuner)
    assert limit.limited(SuccessiveHalving()).max_cpu_seconds == 50
    # One that is asked for later may have time of its own.
    own = SuccessiveHalving(max_cpu_seconds=70)
    assert limit.limited(own) is own


def test_who_watches_costs_nothing(monkeypatch):
    clock, tuner = Clock(monkeypatch), Rounds([], monkeypatch)
    limit = budget.Budget(100, None)
    limit.begin(tuner)
    clock.now += 5
    with pytest.raises(KeyError), limit.uncounted():
        clock.now += 30
        raise KeyError
    clock.now += 2
    assert limit.spent() == 7


def test_without_a_limit_nothing_ends(monkeypatch):
    clock, tuner = Clock(monkeypatch), Rounds([10.0], monkeypatch)
    free = budget.Budget(None, SuccessiveHalving())
    free.begin(tuner)
    clock.now = 1e9
    assert not free.is_spent(tuner)
    assert free.limited(SuccessiveHalving()).max_cpu_seconds is None


def test_a_search_ends_early_and_derives(make_tuner, search, capsys):
    tuner = make_tuner(max_trials=50, max_cpu_seconds=0.01)
    search(tuner, verbose=1)
    # The first round always runs: how long one takes is not known before.
    assert len(tuner.oracle.end_order) == 1
    printed = capsys.readouterr().out
    assert "The time for rounds is spent" in printed
    # Of how many rounds, and how much time is left, is not known.
    assert "Round 1 |" in printed and " left" not in printed
    assert tuner.get_best_architectures()


@pytest.mark.parametrize("seconds", [0, -1])
def test_bad_time_is_refused(seconds, tmp_path):
    with pytest.raises(ValueError, match="`max_cpu_seconds` must be a positive number"):
        ENASTuner(SmallSpace(), max_cpu_seconds=seconds, directory=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_second_opinion_leaves_time_for_rounds(tmp_path):
    with pytest.raises(ValueError, match="must be less than that of the search. Received: 90 of"):
        ENASTuner(
            SmallSpace(),
            max_cpu_seconds=60,
            derive_strategy=SuccessiveHalving(max_cpu_seconds=90),
            directory=tmp_path,
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("share", [0, 1])
def test_a_bad_share_is_refused(share):
    with pytest.raises(ValueError, match="`share` must be between 0 and 1"):
        SuccessiveHalving(share=share)
