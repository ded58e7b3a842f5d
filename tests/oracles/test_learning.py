"""What the learning strategies do with a reward, one by one."""

import numpy as np
import pytest
from sklearn.linear_model import BayesianRidge

from keras_enas.oracles import (
    AntColonyOracle,
    FactorizedOracle,
    ProgressiveOracle,
    QLearningOracle,
)
from keras_enas.oracles.progressive import indicators, ranks
from keras_enas.search_space import Decision, SearchSpace

PAIR = SearchSpace([Decision("a", "op", ("x", "y")), Decision("b", "op", ("x", "y", "z"))])


def of(strategy, space=PAIR, **kwargs):
    oracle = strategy("val_accuracy", seed=0, **kwargs)
    oracle.set_space(space)
    return oracle


def test_ants_fade_what_they_walk_and_strengthen_the_best():
    oracle = of(AntColonyOracle, ants=2, decay=0.5, evaporation=0.2, start=0.1)
    oracle.learn([[1, 2]], [0.3])
    np.testing.assert_allclose(oracle.trails[0, 0, :2], 0.1)
    oracle.learn([[0, 0]], [0.1])
    # After the second ant the best way moves by 0.2 of what it lacks to 1.
    assert oracle.trails[0, 0, 1] == pytest.approx(0.28)
    assert oracle.trails[1, 1, 2] == pytest.approx(0.28)
    oracle.learn([[1, 2]], [0.2])
    # A local update: half of the way back to the start.
    assert oracle.trails[1, 1, 2] == pytest.approx(0.19)
    np.testing.assert_array_equal(oracle.most_likely(), [1, 2])


def test_the_best_ant_is_forgotten():
    oracle = of(AntColonyOracle, ants=1, memory=3)
    oracle.learn([[1, 2]], [0.9])
    for _ in range(2):
        oracle.learn([[0, 0]], [0.1])
        assert oracle.diagnostics()["best_remembered"] == 0.9
    oracle.learn([[0, 1]], [0.05])
    assert oracle.diagnostics()["best_remembered"] == 0.1


def test_ants_of_one_colony_part_ways():
    oracle = of(AntColonyOracle, greediness=0.0, ants=8, decay=0.5)
    oracle.trails[0, 0, 1] = 0.9
    first = oracle.sample(8 * 500).reshape(500, 8, 2)[:, :, 0].mean(axis=0)
    # The first ant of each finds nine parts against one, the last ones nearly equal trails;
    # 6 standard deviations of the binomial are 0.08 and 0.13.
    assert first[0] == pytest.approx(0.9, abs=0.08)
    assert first[7] == pytest.approx(0.5, abs=0.15)


def test_q_values_add_up_to_the_best_reward():
    oracle = of(QLearningOracle, learning_rate=0.5, replays=64, epsilon_schedule=[(0.0, 1)])
    every = np.stack(np.unravel_index(np.arange(6), (2, 3)), axis=1)
    rewards = (every == [1, 2]).sum(axis=1) / 2.0
    for _ in range(20):
        oracle.learn(every, rewards)
    np.testing.assert_array_equal(oracle.sample(5), [[1, 2]] * 5)
    values = oracle.get_arrays()["learned/values"]
    # The last decision earns its half; the first its half and the best of what follows. Given
    # what was chosen before, the last one's reward is exact.
    np.testing.assert_allclose(values[1, 1], [0.25, 0.25, 0.5], atol=0.02)
    assert values[0, 0, 1] == pytest.approx(1 / 3 + 0.5, abs=0.1)


def test_epsilon_follows_its_schedule():
    oracle = of(QLearningOracle, epsilon_schedule=[(1.0, 2), (0.5, 3), (0.1, 1)])
    seen = []
    for _ in range(8):
        seen.append(oracle.epsilon)
        oracle.learn([[0, 0]], [0.0])
    assert seen == [1.0, 1.0, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1]


@pytest.mark.parametrize("schedule", [(), [(2.0, 5)], [(0.5, 0)], [0.5], "often", None])
def test_a_schedule_is_checked(schedule):
    with pytest.raises(ValueError, match="`epsilon_schedule` must be pairs"):
        QLearningOracle("val_accuracy", epsilon_schedule=schedule)


def test_the_first_step_of_the_logits_is_adams():
    """Adam's first step is the learning rate in the direction of every gradient."""
    oracle = of(FactorizedOracle, learning_rate=0.1, samples_per_update=2)
    oracle.learn([[1, 2], [0, 2]], [1.0, 0.0])
    logits = oracle.get_arrays()["learned/logits"]
    np.testing.assert_allclose(logits[0, :2], [-0.1, 0.1], rtol=1e-5)
    np.testing.assert_allclose(logits[1], 0.0, atol=1e-7)
    assert oracle.diagnostics()["baseline"] == pytest.approx(0.5)
    assert oracle.probabilities()["a"][1] == pytest.approx(1 / (1 + np.exp(-0.2)))


def test_warmup_teaches_the_baseline_alone():
    oracle = of(FactorizedOracle, warmup_samples=3, baseline_decay=0.5)
    oracle.learn([[1, 2], [0, 2], [0, 0]], [1.0, 0.0, 0.0])
    np.testing.assert_array_equal(oracle.get_arrays()["learned/logits"], 0.0)
    assert oracle.diagnostics()["baseline"] == pytest.approx(0.25)
    oracle.learn([[1, 2]], [1.0])
    assert oracle.get_arrays()["learned/logits"].any()


def test_stages_open_block_after_block():
    space = SearchSpace(
        Decision(f"node_{i}/{name}", "op", ("x", "y", "z")) for i in range(3) for name in "ab"
    )
    oracle = of(
        ProgressiveOracle,
        space,
        samples_per_stage=6,
        samples_per_fit=3,
        simplest="x x | x x | x x",
        surrogate=BayesianRidge(),
    )
    opened = []
    for _ in range(6):
        drawn = oracle.sample(3)
        opened.append(oracle.num_open)
        assert not drawn[:, opened[-1] :].any()
        oracle.learn(drawn, (drawn == 1).mean(axis=1))
    assert opened == [2, 2, 4, 4, 6, 6]


def test_the_surrogate_knows_pairs_of_decisions():
    """A reward that no decision earns alone: every second decision equal to the one before."""
    space = SearchSpace(Decision(f"op_{i}", "op", ("x", "y")) for i in range(6))
    oracle = of(ProgressiveOracle, space, samples_per_stage=16, samples_per_fit=96)
    drawn = space.random(96, np.random.default_rng(0))
    oracle.learn(drawn, (drawn[:, ::2] == drawn[:, 1::2]).mean(axis=1))
    best = oracle.most_likely()
    np.testing.assert_array_equal(best[::2], best[1::2])


def test_ranks_and_indicators():
    np.testing.assert_allclose(ranks(np.array([5.0, -1e9, 7.0, 5.0])), [0.0, -0.75, 0.75, 0.0])
    np.testing.assert_array_equal(
        indicators(np.array([[1, 0]]), np.array([2, 3])), [[0, 1, 1, 0, 0]]
    )


def test_another_regressor_may_be_the_surrogate():
    oracle = of(ProgressiveOracle, surrogate=BayesianRidge(), samples_per_stage=2)
    oracle.learn(oracle.sample(20), np.arange(20.0))
    assert oracle.sample(3).shape == (3, 2)
    with pytest.raises(ValueError, match="`surrogate` must be a scikit-learn regressor"):
        of(ProgressiveOracle, surrogate="forest")


def test_a_simplest_architecture_of_another_space_is_refused():
    with pytest.raises(ValueError, match="`simplest` is not of this space"):
        of(ProgressiveOracle, simplest="x x x")


@pytest.mark.parametrize(
    ("strategy", "settings"),
    [
        (AntColonyOracle, {"ants": 0}),
        (AntColonyOracle, {"greediness": 1.5}),
        (AntColonyOracle, {"decay": -0.1}),
        (AntColonyOracle, {"evaporation": "much"}),
        (AntColonyOracle, {"start": 0.0}),
        (AntColonyOracle, {"memory": 0}),
        (FactorizedOracle, {"learning_rate": 0}),
        (FactorizedOracle, {"baseline_decay": 1.0}),
        (FactorizedOracle, {"warmup_samples": -1}),
        (ProgressiveOracle, {"beam_size": 0}),
        (ProgressiveOracle, {"samples_per_stage": 1.5}),
        (ProgressiveOracle, {"samples_per_fit": 0}),
        (ProgressiveOracle, {"memory": 0}),
        (QLearningOracle, {"learning_rate": 2.0}),
        (QLearningOracle, {"replays": 0}),
        (QLearningOracle, {"memory": None}),
    ],
)
def test_bad_settings_are_named(strategy, settings):
    (name,) = settings
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        strategy("val_accuracy", **settings)
