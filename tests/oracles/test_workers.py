"""Lost workers, by a clock of the test's own."""

import math

import pytest
from keras_tuner.engine.trial import Trial

from keras_enas.oracles import RandomOracle
from keras_enas.oracles import oracle as oracle_module
from keras_enas.oracles.workers import Workers


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_oracle(make_tuner, clock, monkeypatch):
    """Returns a function that makes an oracle with a project; its sleeps are noted."""
    monkeypatch.setattr(oracle_module.time, "sleep", lambda s: make.slept.append(s))

    def make(max_trials=2, timeout=10, **kwargs):
        oracle = RandomOracle("val_accuracy", max_trials=max_trials, seed=0, **kwargs)
        make_tuner(oracle)
        oracle._workers = Workers(timeout, clock)
        return oracle

    make.slept = []
    return make


def end(oracle, trial, score=0.5, status="COMPLETED"):
    oracle.update_trial(trial.trial_id, {"val_accuracy": score})
    trial.status = status
    oracle.end_trial(trial)


def test_the_trial_of_a_lost_worker_is_given_to_another(make_oracle, clock):
    oracle = make_oracle()
    lost, kept = oracle.create_trial("tuner0"), oracle.create_trial("tuner1")
    # It was killed just after it had reported.
    oracle.update_trial(lost.trial_id, {"val_accuracy": 0.9})
    clock.now = 9
    end(oracle, kept)
    assert oracle.create_trial("tuner1").status == "IDLE"
    assert make_oracle.slept == [oracle_module.IDLE_SECONDS]
    clock.now = 10.5
    with pytest.warns(UserWarning, match="Nothing was heard of worker 'tuner0' for 10 s"):
        again = oracle.create_trial("tuner1")
    assert (again.trial_id, again.status) == (lost.trial_id, "RUNNING")
    assert again.hyperparameters.values == lost.hyperparameters.values
    assert not again.metrics.exists("val_accuracy")
    end(oracle, again)
    assert oracle.create_trial("tuner1").status == "STOPPED"
    # What the chief waits for.
    assert not oracle.ongoing_trials and not oracle.tuner_ids


def test_who_sleeps_does_not_hold_the_lock(make_oracle, monkeypatch):
    from keras_tuner.src.engine import oracle as theirs

    oracle = make_oracle(max_trials=1)
    oracle.create_trial("tuner0")
    held = []
    monkeypatch.setattr(
        oracle_module.time, "sleep", lambda s: held.append(theirs.LOCKS[oracle].locked())
    )
    assert oracle.create_trial("tuner1").status == "IDLE"
    assert held == [False]


def test_a_lost_worker_that_comes_back_counts(make_oracle, clock):
    oracle = make_oracle(max_trials=3)
    slow = oracle.create_trial("tuner0")
    clock.now = 11
    with pytest.warns(UserWarning, match="tuner0"):
        other = oracle.create_trial("tuner1")
    assert other.trial_id == slow.trial_id
    end(oracle, slow, 0.7)
    assert oracle.end_order == [slow.trial_id]
    # The second report of the same trial is neither recorded nor learned.
    learned = oracle.get_arrays()
    end(oracle, other, 0.2)
    assert oracle.end_order == [slow.trial_id]
    assert oracle.trials[slow.trial_id].score == 0.7
    assert set(learned) == set(oracle.get_arrays())


def test_it_comes_back_before_another_has_begun(make_oracle, clock):
    oracle = make_oracle(max_trials=2)
    slow = oracle.create_trial("tuner0")
    clock.now = 11
    oracle._workers.give_back_lost(oracle)
    assert oracle._retry_queue == [slow.trial_id]
    end(oracle, slow)
    assert oracle._retry_queue == [] and oracle.end_order == [slow.trial_id]


def test_a_restarted_worker_goes_on_with_its_trial(make_oracle):
    oracle = make_oracle()
    assert oracle.create_trial("tuner0").trial_id == oracle.create_trial("tuner0").trial_id


def test_a_trial_that_takes_its_workers_down_fails(make_oracle, clock):
    oracle = make_oracle(max_trials=1)
    assert oracle.create_trial("tuner0").status == "RUNNING"
    for i in (1, 2):
        clock.now += 11
        with pytest.warns(UserWarning, match=f"tuner{i - 1}"):
            assert oracle.create_trial(f"tuner{i}").status == "RUNNING"
    clock.now += 11
    with pytest.warns(UserWarning, match="tuner2"):
        assert oracle.create_trial("tuner3").status == "STOPPED"
    assert oracle.trials["0"].status == "FAILED"
    assert "lost with 3 workers" in oracle.trials["0"].message
    assert not oracle.ongoing_trials


@pytest.mark.parametrize("lost", [False, True])
def test_too_many_failures_leave_the_lock_free(lost, make_oracle, clock):
    """KerasTuner keeps it, and all other workers wait for ever."""
    from keras_tuner.src.engine import oracle as theirs

    oracle = make_oracle(max_trials=9, max_consecutive_failed_trials=1)
    trial = oracle.create_trial("tuner0")
    with pytest.raises(RuntimeError, match="consecutive failures"):
        if lost:
            for i in range(1, 4):
                clock.now += 11
                with pytest.warns(UserWarning, match="was heard of worker"):
                    oracle.create_trial(f"tuner{i}")
        else:
            oracle.end_trial(Trial(trial.hyperparameters, trial.trial_id, "FAILED", "broken"))
    assert not theirs.LOCKS[oracle].locked() and theirs.THREADS[oracle] is None
    assert oracle.create_trial("tuner9").status == "RUNNING"


def test_without_a_timeout_patience_is_learned(clock):
    workers = Workers(None, clock)
    assert workers.patience == math.inf
    workers.begins("0")
    clock.now = 3.0
    workers.ends("0")
    assert workers.patience == 600
    workers.begins("1")
    clock.now = 1003.0
    workers.ends("1")
    assert workers.patience == 5000


def test_infinite_patience_is_kerastuners(make_oracle):
    oracle = make_oracle(max_trials=1, timeout=math.inf)
    oracle.create_trial("tuner0")
    assert oracle.create_trial("tuner1").status == "STOPPED"
    assert make_oracle.slept == []


@pytest.mark.parametrize("value", [0, -1, "long", float("nan"), True])
def test_a_timeout_is_a_number(value):
    with pytest.raises(ValueError, match="`worker_timeout` must be a number above 0"):
        RandomOracle("val_accuracy", worker_timeout=value)
