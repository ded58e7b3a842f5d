"""RegularizedEvolutionOracle: mutation, tournament, age."""

import numpy as np
import pytest

from keras_enas.oracles import RegularizedEvolutionOracle
from keras_enas.oracles.evolution import mutated
from keras_enas.search_space import Decision, SearchSpace


def make(space, **kwargs):
    oracle = RegularizedEvolutionOracle("val_accuracy", seed=0, **kwargs)
    oracle.set_space(space)
    return oracle


def test_a_child_differs_in_one_decision_of_any_kind_alike(macro_space):
    """12 operations and 66 skips: half of the mutations are of each kind."""
    space = macro_space(12)
    rng = np.random.default_rng(0)
    parents = space.random(2000, rng)
    children = mutated(parents, space, rng)
    space.check(children)
    changed = children != parents
    assert (changed.sum(axis=1) == 1).all()
    is_op = np.array([decision.kind == "op" for decision in space])
    # 6 standard deviations of the binomial are 0.067.
    assert changed[:, is_op].sum() / 2000 == pytest.approx(0.5, abs=0.067)
    assert changed.any(axis=0).all()


def test_what_has_one_candidate_is_never_mutated():
    one = Decision("one", "op", ("a",))
    space = SearchSpace([one, Decision("two", "op", ("a", "b"))])
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(mutated(np.array([[0, 0]] * 9), space, rng), [[0, 1]] * 9)
    alone = SearchSpace([one])
    np.testing.assert_array_equal(mutated(np.array([[0]]), alone, rng), [[0]])


def test_it_is_random_until_the_population_is_there(space):
    oracle = make(space, population_size=5, sample_size=5)
    best = np.zeros(len(space), np.int32)
    oracle.learn([best] * 4, [9.0] * 4)
    assert ((oracle.sample(100) != best).sum(axis=1) > 1).any()
    oracle.learn([best], [9.0])
    assert ((oracle.sample(100) != best).sum(axis=1) == 1).all()


def test_the_oldest_dies_however_good_it_is(space):
    oracle = make(space, population_size=3, sample_size=3)
    best = np.ones(len(space), np.int32)
    oracle.learn([best], [9.0])
    for reward in (1.0, 2.0):
        oracle.learn([best * 0], [reward])
    np.testing.assert_array_equal(oracle.most_likely(), best)
    oracle.learn([best * 0], [3.0])
    np.testing.assert_array_equal(oracle.most_likely(), best * 0)
    np.testing.assert_array_equal(oracle.get_arrays()["learned/rewards"], [1.0, 2.0, 3.0])


def test_a_large_batch_enters_as_a_whole(space):
    """The best of 200 was the first of them, long before the last three."""
    oracle = make(space, population_size=3, sample_size=3)
    best = np.ones(len(space), np.int32)
    others = np.zeros((199, len(space)), np.int32)
    oracle.learn([best, *others], [9.0] + [0.0] * 199)
    children = oracle.sample(100)
    # A tournament of 200 draws with replacement misses it with probability 0.37.
    assert 0.4 < ((children != best).sum(axis=1) == 1).mean() < 0.9
    oracle.learn([best], [1.0])
    assert len(oracle.get_arrays()["learned/rewards"]) == 3


@pytest.mark.parametrize(
    "settings",
    [{"population_size": 1}, {"sample_size": 0}, {"population_size": 5, "sample_size": 6}],
)
def test_bad_settings_are_named(settings):
    with pytest.raises(ValueError, match=f"`{[*settings][-1]}` must be an integer"):
        RegularizedEvolutionOracle("val_accuracy", **settings)
