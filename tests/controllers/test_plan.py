"""From a space to the steps of a policy."""

import numpy as np

from keras_enas.controllers.plan import Plan
from keras_enas.search_space import Decision, SearchSpace


def test_macro_space(macro_space):
    plan = Plan(macro_space())
    assert plan.input_anchors == []
    assert plan.skip_vectors == 11
    assert [step.kind for step in plan.steps[:4]] == ["op", "op", "skip", "op"]
    assert [step.closes for step in plan.steps[:4]] == [True, False, True, False]
    assert plan.steps[-1].anchors == tuple(range(11))
    assert plan.steps[-1].stop == 78
    assert len(plan.tables) == 1


def test_every_step_is_in_one_group(mixed_space):
    plan = Plan(mixed_space)
    assert sorted(i for group in plan.groups for i in group.steps) == list(range(len(plan.steps)))
    decisions = np.concatenate([group.decisions for group in plan.groups])
    assert sorted(decisions) == list(range(len(mixed_space)))
    for i, step in enumerate(plan.steps):
        group, place = plan.places[i]
        np.testing.assert_array_equal(
            group.decisions[group.rows[place]], np.arange(step.start, step.stop)
        )


def test_the_macro_space_has_three_groups(macro_space):
    first, rest, skips = sorted(Plan(macro_space()).groups, key=len)
    assert (len(first), first.previous_width) == (1, 0)
    assert (len(rest), rest.previous_width) == (11, 6)
    assert (len(skips), skips.kind) == (66, "skip")
    # Bit i of layer k asks for anchor i with the hidden state of layer k.
    np.testing.assert_array_equal(skips.keys.argmax(1)[-11:], np.arange(11))
    np.testing.assert_array_equal(skips.queries.argmax(1)[-11:], np.full(11, 10))


def test_equal_candidate_lists_share_a_table(mixed_space):
    plan = Plan(mixed_space)
    assert plan.tables == [("a", "b", "c"), ("a", "b"), ("one",)]
    assert [step.table for step in plan.steps] == [0, -1, 1, -1, 1, -1, 2]


def test_warmup_steps_stand_for_what_no_block_provides(mixed_space):
    plan = Plan(mixed_space)
    # node_0 has two inputs and no node before it in its scope but the stem.
    assert plan.input_anchors == [0]
    assert [step.warmups for step in plan.steps] == [1] + [0] * (len(plan.steps) - 1)
    assert plan.steps[1].anchors == (0, 1)
    assert plan.steps[3].anchors == (0, 1, 2)


def test_the_nodes_of_two_cells_do_not_see_each_other():
    decisions = [
        Decision(f"{cell}/node_{i}/input", "input", tuple(range(i + 2)))
        for cell in ("normal", "reduction")
        for i in range(3)
    ]
    plan = Plan(SearchSpace(decisions))
    # Two warm-up steps for each cell, three nodes after them.
    assert plan.input_anchors == [0, 1, 5, 6]
    assert [step.warmups for step in plan.steps] == [2, 0, 0, 2, 0, 0]
    assert [step.anchors for step in plan.steps[3:]] == [(5, 6), (5, 6, 7), (5, 6, 7, 8)]


def test_without_skips_and_inputs_there_are_no_anchors():
    plan = Plan(SearchSpace([Decision("a/x", "op", ("p", "q")), Decision("b", "op", ("p",))]))
    assert not plan.attends
    assert not any(step.closes for step in plan.steps)


def test_an_operation_follows_the_one_before_it_across_skips(macro_space):
    plan = Plan(macro_space(3, 2))
    # op, op, one bit, op, two bits
    assert [step.previous for step in plan.steps] == [-1, 0, -1, 1, -1]
