"""The alarm rings once for a search that collapses, and never for one that has found something."""

import json
import math
import os
import warnings

import numpy as np
import pytest
from small_space import TINY, SmallSpace

from keras_enas import ENASTuner, RandomOracle
from keras_enas.supergraph import Supergraph
from keras_enas.tuner import collapse

WELL = {"mean_reward": 0.5, "reward_deviation": 0.1, "num_samples": 200}
# Of the oracle, in a round.
UPDATES = 4
# Two operations with two skips: SmallSpace has three decisions, of 3 * 3 * 2 candidates.
UNIFORM = {"layer_0/op": [1 / 3] * 3, "layer_1/op": [1 / 3] * 3, "layer_1/skip/0": [0.5] * 2}


class Settling(RandomOracle):
    """Random in the first round; then certain of one candidate everywhere."""

    updates = 0

    def __init__(self, settled, **kwargs):
        super().__init__("val_accuracy", **kwargs)
        self.settled = settled

    def _sample(self, n, seed):
        if self.updates <= UPDATES:
            return super()._sample(n, seed)
        return np.tile(np.array(self.settled, np.int32), (n, 1))

    def probabilities(self):
        if self.updates <= UPDATES:
            return super().probabilities()
        return {
            d.name: np.eye(len(d.candidates))[i]
            for d, i in zip(self.space, self.settled, strict=True)
        }

    def _learn(self, architectures, rewards):
        self.updates += 1
        return {"entropy": 0.0 if len({tuple(a) for a in architectures}) == 1 else 2.8}


def run(folder, search, settled, reward):
    """Searches three rounds; returns the warnings and what the rounds recorded."""
    oracle = Settling(settled, max_trials=3, seed=0)
    settings = {k: v for k, v in TINY.items() if k not in ("max_trials", "samples_per_update")}
    tuner = ENASTuner(
        SmallSpace(),
        **{**settings, "controller_updates": UPDATES, "samples_per_update": 10},
        oracle=oracle,
        reward=reward,
        directory=folder,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search(tuner)
    rounds = []
    for number in range(3):
        path = os.path.join(tuner.get_trial_dir(str(number)), "round.json")
        with open(path) as file:
            rounds.append(json.load(file, parse_constant=lambda name: pytest.fail(name)))
    said = [str(one.message) for one in caught if str(one.message).startswith("Round")]
    return said, rounds


def test_a_collapse_is_said_once_and_recorded_in_every_round(tmp_path, search):
    said, rounds = run(tmp_path, search, (2, 2, 0), None)
    assert sum("without weights" in text for text in said) == 1
    assert len(said) == len(rounds[-1]["alarms"]) and "Round 1: " in said[0]
    assert [one["parameter_free_share"] for one in rounds[1:]] == [1.0, 1.0]
    assert rounds[0]["parameter_free_share_at_random"] == pytest.approx(1 / 3)
    assert all("parameter_free" in one["alarms"] for one in rounds[1:])


def test_an_honest_search_that_settles_is_left_in_peace(tmp_path, search):
    calls = []

    def reward(metrics, objective):
        calls.append(metrics)
        # The samples of the first round earn a little, all later ones much.
        return float(len(calls) > 40) + 0.01 * (len(calls) % 2)

    said, rounds = run(tmp_path, search, (0, 1, 1), reward)
    assert rounds[-1]["entropy_share"] == 0.0
    assert said == [] and all(one["alarms"] == {} for one in rounds)


def watched(**changes):
    usual = {"sampled": 0.6, "derived": 0.5, "random": 0.6, "entropy": 1.0}
    return collapse.Watch(**{**usual, **changes})


BETTER = {**WELL, "mean_reward": 0.7}


@pytest.mark.parametrize(
    ("changes", "rounds", "expected"),
    [
        ({}, [WELL], set()),
        ({"sampled": 0.89}, [WELL, WELL], set()),
        # What the shared weights reward is no excuse.
        ({"sampled": 0.91}, [WELL, BETTER], {"parameter_free"}),
        # Nobody has learned anything yet: a warm-up.
        ({"sampled": 0.91, "entropy": 0.0}, [], set()),
        ({"entropy": 0.05}, [WELL, BETTER], set()),
        ({"entropy": 0.05}, [WELL, WELL], {"entropy"}),
        ({"entropy": 0.05}, [WELL], {"entropy"}),
        ({"entropy": 0.11}, [WELL, WELL], set()),
        # Too early to be sure of anything: 50 samples for 6 decisions.
        (
            {"entropy": 0.05},
            [{**WELL, "num_samples": 25}, {**BETTER, "num_samples": 25}],
            {"entropy"},
        ),
        ({"sampled": 1.0, "entropy": 0.0}, [WELL, WELL], {"parameter_free", "entropy"}),
        # A space without operations to choose, an oracle without a policy.
        ({"sampled": math.nan, "random": math.nan, "entropy": math.nan}, [WELL, WELL], set()),
    ],
)
def test_alarms(changes, rounds, expected):
    assert set(collapse.alarms(watched(**changes), rounds, decisions=6)) == expected


def test_shares():
    supergraph = Supergraph(SmallSpace(), seed=0)
    space = supergraph.space
    found = collapse.watch(supergraph, UNIFORM, space.parse("relu | id 0"))
    assert found == collapse.Watch(
        pytest.approx(1 / 3), 0.5, pytest.approx(1 / 3), pytest.approx(1.0)
    )
    sure = {name: np.eye(len(p))[-1] for name, p in UNIFORM.items()}
    found = collapse.watch(supergraph, sure, space.parse("id | id 1"))
    assert (found.sampled, found.derived, found.entropy) == (1.0, 1.0, 0.0)
    # The policy's own entropy, where it knows one.
    half = float(np.sum(np.log(space.num_candidates))) / 2
    found = collapse.watch(supergraph, sure, space.parse("id | id 1"), half)
    assert found.entropy == pytest.approx(0.5)


def test_where_no_operation_is_free_nothing_is_said_of_it():
    supergraph = Supergraph(SmallSpace(labels=("relu", "tanh")), seed=0)
    found = collapse.watch(supergraph, {}, supergraph.space.parse("relu | tanh 0"))
    assert found.to_dict() == {
        "parameter_free_share": None,
        "parameter_free_share_derived": None,
        "parameter_free_share_at_random": None,
        "entropy_share": None,
    }
