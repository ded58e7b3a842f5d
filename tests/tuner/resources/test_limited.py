"""Draws within a limit, and candidates near to a target."""

import numpy as np
import pytest

from keras_enas.oracles import RandomOracle
from keras_enas.search_space import Decision, SearchSpace
from keras_enas.tuner.resources import NoneNear, Resources

# 4 ** 4 architectures that cost 0 to 12.
SPACE = SearchSpace([Decision(f"op_{i}", "op", tuple("abcd")) for i in range(4)])


def total(architecture):
    return sum(architecture.indices)


def oracle(seed=0):
    made = RandomOracle("val_accuracy", seed=seed)
    made.set_space(SPACE)
    return made


def resources(**arguments):
    return Resources(None, None, SPACE, cost=total, **arguments)


def test_only_what_fits_is_drawn_and_the_draws_can_be_resumed():
    limited = resources(cost_limit=(3, 5)).limited(oracle())
    first, second = limited.sample(50), limited.sample(50)
    assert first.shape == (50, 4) and first.dtype == np.int32
    sums = np.concatenate([first, second]).sum(axis=1)
    # All that fits is drawn in 100 samples: 3 is missed with a chance of 1e-8.
    assert set(sums) == {3, 4, 5}
    assert not np.array_equal(first, second)
    again = oracle()
    resumed = resources(cost_limit=(3, 5)).limited(again)
    assert np.array_equal(resumed.sample(50), first)
    other = oracle()
    other.set_arrays(again.get_arrays())
    assert np.array_equal(resources(cost_limit=(3, 5)).limited(other).sample(50), second)


def test_what_fits_has_the_chances_that_it_had():
    """Five of the 256 architectures cost at most 1, and a uniform oracle draws each alike."""
    drawn = resources(cost_limit=1).limited(oracle()).sample(2000)
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    # Five architectures, 400 of each; 100 are 5.6 standard deviations: a false alarm in 1e-7.
    assert len(counts) == 5 and abs(counts - 400).max() < 100


def test_without_a_limit_it_is_the_oracle_itself():
    one = oracle()
    assert resources().limited(one) is one
    assert resources(cost_target=3).limited(one) is one


def test_the_other_verbs_are_the_oracles():
    one = oracle()
    limited = resources(cost_limit=3).limited(one)
    limited.learn([[0, 0, 0, 0]], [1.0])
    assert limited.diagnostics()["num_learned"] == 1 and limited.seed == one.seed


def test_hardly_anything_fits():
    made = Resources(None, None, SPACE, cost=lambda a: 7 + sum(a.indices), cost_limit=6.5)
    one = oracle()
    with pytest.raises(ValueError, match=r"`cost_limit`: of 1,\d* architectures.*cost 7 to 19"):
        made.limited(one).sample(5)
    # Bounded: a draw is not for ever.
    assert int(one.get_arrays()["draws"]) <= 1000


def test_candidates_are_near_and_different():
    found = resources(cost_target=6).candidates(oracle(), [(0, 0, 0, 0), (0, 3, 3, 0)], k=20)
    assert found[0] == (0, 3, 3, 0) and len(found) == len(set(found)) == 20 + (
        (0, 3, 3, 0) not in found[1:]
    )
    assert {sum(one) for one in found} == {6}
    wider = resources(cost_target=6).candidates(oracle(), [], k=100, tolerance=0.17)
    assert {sum(one) for one in wider} == {5, 6, 7} and len(wider) == 100


def test_a_policy_beside_the_target_leaves_the_draws_to_chance():
    one = oracle()
    one.sample = lambda n: np.zeros((n, 4), np.int32)
    found = resources(cost_target=6).candidates(one, [], k=20)
    assert len(set(found)) == len(found) == 20 and {sum(x) for x in found} == {6}
    assert found == resources(cost_target=6).candidates(one, [], k=20)


def test_fewer_candidates_than_were_wanted():
    # One architecture costs 12.
    assert resources(cost_target=12).candidates(oracle(), [], k=20) == [(3, 3, 3, 3)]


def test_no_candidate():
    made = Resources(None, None, SPACE, cost=total, cost_target=12.7)
    with pytest.raises(NoneNear, match=r"within 5% of `cost_target`, which is 12.7.*costs 12.*tol"):
        made.candidates(oracle(), [(0, 0, 0, 0)], k=5)


def test_candidates_are_simplest_forms_and_these_must_fit():
    """The last decision comes to nothing: what cost 6 with it is not near to the target."""

    def simplest(one):
        return (*map(int, one[:3]), 0)

    found = resources(cost_target=6).candidates(oracle(), [(3, 3, 0, 2)], 5, None, simplest)
    assert found[0] == (3, 3, 0, 0) and all(one[3] == 0 and sum(one) == 6 for one in found)
    assert len(set(found)) == len(found) >= 5
    found = resources(cost_limit=(2, 3)).candidates(oracle(), [(1, 0, 0, 2)], 50, None, simplest)
    assert 0 < len(found) < 50 and all(one[3] == 0 and 2 <= sum(one) <= 3 for one in found)
    with pytest.raises(NoneNear, match="None of 5 .*`cost_limit` without operations that go now"):
        resources(cost_limit=(10, 12)).candidates(oracle(), [(3, 3, 3, 3)], 5, None, simplest)


def test_candidates_within_a_limit_only():
    found = resources(cost_limit=2).candidates(oracle(), [(0, 0, 0, 0), (3, 0, 0, 0)], k=9)
    assert found[0] == (0, 0, 0, 0) and len(found) == 10
    assert all(sum(one) <= 2 for one in found)


def test_without_a_cost_candidates_are_what_they_were():
    none = Resources(None, None, SPACE)
    found = none.candidates(oracle(), [(3, 3, 3, 3)], k=4)
    assert found[0] == (3, 3, 3, 3)
    assert np.array_equal(np.stack(found[1:]), oracle().sample(4))
    assert not none and none.costs([(0, 0, 0, 0)]) == [None] and none.of_round((0, 0, 0, 0)) == {}


def test_near_to_the_target_the_better_network_comes_first():
    from keras_enas.tuner.round import Score

    made = resources(cost_target=100, cost_weight=-1.0)
    derived = [((3, 3, 3, 3), 0.70), ((0, 0, 0, 0), 0.71), ((1, 1, 1, 1), 0.69)]
    # As a judge scores them: their reward has lost the penalty.
    scored = [(i, Score(q, 0.0, q + made.penalty(i))) for i, q in derived]
    by_reward = sorted(scored, key=lambda one: -one[1].reward)
    assert by_reward[0][0] == (3, 3, 3, 3)
    assert [s.objective for _, s in made.best_first(scored)] == [0.71, 0.70, 0.69]
