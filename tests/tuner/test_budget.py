"""A search that may take so much CPU time."""

import json
import pathlib
import types

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

    oracle = types.SimpleNamespace(end_order=["0", "1"])


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


def test_what_is_over_stays_over(monkeypatch):
    """A later process knows less of the time between rounds, and must not search on."""
    clock, tuner = Clock(monkeypatch), Rounds([10.0, 10.0], monkeypatch)
    limit = budget.Budget(100, SuccessiveHalving(share=0.6))
    limit.begin(tuner)
    clock.now += 15
    assert limit.is_spent(tuner)
    kept = json.loads(json.dumps(limit.get_state()))

    def later(seconds=100, rounds=2):
        again = budget.Budget(seconds, SuccessiveHalving(share=0.6))
        again.set_state(kept)
        tuner.oracle = types.SimpleNamespace(end_order=["0"] * rounds)
        # By these alone there would be time for more.
        tuner.seconds = [2.0, 2.0]
        again.begin(tuner)
        return again.is_spent(tuner), again.spent()

    assert later() == (True, 35)
    # More time was given, or a round was searched all the same: it is judged anew.
    assert later(seconds=120) == (False, 4)
    assert later(rounds=3) == (False, 4)


def test_a_finished_search_is_not_searched_again(make_tuner, search, monkeypatch):
    """Nor is its second opinion, in a new process that starts it in the same way."""

    def again():
        halving = SuccessiveHalving(3, epochs=0.5, share=0.5)
        return make_tuner(max_trials=50, max_cpu_seconds=4, derive_strategy=halving)

    tuner = search(again())
    rounds, derived = list(tuner.oracle.end_order), tuner.get_best_architectures(3)
    # As if the time between the rounds had been most of it.
    monkeypatch.setattr(budget, "seconds_of_rounds", lambda tuner: [0.001])
    tuner = search(again())
    assert tuner.oracle.end_order == rounds
    assert tuner.get_best_architectures(3) == derived
    # What there is left is not enough for what would replace it.
    with pytest.raises(ValueError, match="The second opinion on disk, of .* trainings"):
        tuner.budget._before = 4.0
        tuner.derive(k=18)
    assert make_tuner(max_trials=50).get_best_architectures(3) == derived


def test_the_time_of_a_round_is_not_forgotten(make_tuner, search, monkeypatch):
    """Killed after its time was written, but before its end was."""
    tuner = make_tuner()

    def killed(number, record):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("keras_enas.tuner.progress.Progress.end", lambda *args: killed(*args[1:]))
        search(tuner)
    path = pathlib.Path(tuner.get_trial_dir("0")) / "round.json"
    before = json.loads(path.read_text())["cpu_seconds"]
    tuner = search(make_tuner())
    assert budget.seconds_of_rounds(tuner)[0] >= before > 0.1


def test_all_rounds_were_warm_up(make_tuner, search):
    with pytest.warns(UserWarning, match="has learned nothing: all 1 rounds were among"):
        search(make_tuner(max_trials=1, warmup_rounds=3))


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), "1800"])
def test_bad_time_is_refused(seconds, tmp_path):
    with pytest.raises(ValueError, match="`max_cpu_seconds` must be a number above 0"):
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
