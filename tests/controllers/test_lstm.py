"""The policy: the published one exactly, and a distribution over any space."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.controllers import ControllerSettings, LSTMPolicy
from keras_enas.search_space import Decision, SearchSpace


def policy_of(space, profile="paper", seed=0, **changes):
    return LSTMPolicy(space, ControllerSettings.from_profile(profile, **changes), seed)


def logits_by_step(policy, architectures):
    """Logits `(n, size, width)` of each step, on the way to architectures."""
    groups = policy.logits_of(tf.constant(architectures))
    of_group = dict(zip(policy.plan.groups, groups, strict=True))
    places = (policy.plan.places[i] for i in range(len(policy.plan.steps)))
    return [of_group[group][:, group.rows[place]].numpy() for group, place in places]


def probability_of(policy, architectures):
    """Probability of each architecture, from the logits on its way."""
    result = np.ones(len(architectures))
    for step, x in zip(policy.plan.steps, logits_by_step(policy, architectures), strict=True):
        p = tf.nn.softmax(tf.cast(x, tf.float64)).numpy()
        chosen = architectures[:, step.start : step.stop, None]
        result *= np.take_along_axis(p, chosen, axis=2)[..., 0].prod(axis=1)
    return result


def with_random_offsets(policy):
    values = policy.offsets.values
    values.assign(np.random.default_rng(1).normal(size=values.shape))
    return policy


def all_architectures(space):
    counts = [range(n) for n in space.num_candidates]
    return np.array(list(itertools.product(*counts)), np.int32)


def test_the_published_controller_has_41856_parameters(macro_space):
    policy = policy_of(macro_space())
    assert policy.count_params() == 41856
    assert sum(int(np.prod(w.shape)) for w in policy.trainable_variables) == 41856


def test_the_published_micro_controller_has_41733_parameters(micro_space):
    assert policy_of(micro_space(), "released_code_micro").count_params() == 41733


def test_it_starts_in_favour_of_separable_convolutions(micro_space):
    """As biases and constants alone have it: 0.315 in the normal cell, 0.254 in the other."""
    space = micro_space(2)
    policy = policy_of(space, "released_code_micro", init_range=0.0)
    for step, logits in zip(
        policy.plan.steps, logits_by_step(policy, np.zeros((1, 16), int)), strict=True
    ):
        p = tf.nn.softmax(logits[0, 0]).numpy()
        if step.kind == "input":
            expected = [1 / step.width] * step.width
        elif step.start < 8:
            expected = [0.315] * 2 + [0.123] * 3
        else:
            expected = [0.254] * 2 + [0.164] * 3
        np.testing.assert_allclose(p, expected, atol=6e-4)


@pytest.mark.parametrize("zero_input_anchors", [True, False])
def test_it_computes_the_micro_controller(micro_space, zero_input_anchors):
    """Against the released micro controller in NumPy, its decisions in the order of the text.

    The reduction cell goes on from the state in which the normal cell ends, with the same weights.
    """
    space = micro_space(2)
    policy = policy_of(
        space, "released_code_micro", init_range=1.0, zero_input_anchors=zero_input_anchors
    )
    w = {name: weight.numpy() for name, weight in policy.named_weights.items()}
    architecture = space.random(1, np.random.default_rng(3))[0]
    logits = logits_by_step(policy, architecture[None])

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def lstm(x, h, c):
        i, f, g, o = np.split(x @ w["lstm/kernel"] + h @ w["lstm/recurrent_kernel"], 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    h = c = np.zeros((1, 64))
    decisions, expected = iter(architecture), []
    for preference in ([0.25, 0.25, -0.25, -0.25, -0.25], 0.0):
        keys, values = [], []
        for _ in range(2):
            h, c = lstm(w["start"], h, c)
            keys.append(h)
            values.append(0 * h if zero_input_anchors else h)
        x = w["start"]
        for _ in range(2):
            for _ in range(2):
                h, c = lstm(x, h, c)
                query = np.concatenate(keys) @ w["attention/w1"] + h @ w["attention/w2"]
                query = np.tanh(query) @ w["attention/v"]
                expected.append(1.1 * np.tanh(query.T))
                x = values[next(decisions)]
                h, c = lstm(x, h, c)
                shaped = 0.44 * np.tanh(h @ w["softmax/0"] + w["bias/0"])
                expected.append(shaped + preference)
                x = w["embedding/0"][[next(decisions)]]
            h, c = lstm(x, h, c)
            keys.append(h)
            values.append(h)
            x = w["start"]
    for ours, theirs in zip(logits, expected, strict=True):
        np.testing.assert_allclose(ours[0], theirs, atol=1e-4)


def test_initial_weights_are_uniform_within_a_tenth(macro_space):
    for weight in policy_of(macro_space()).named_weights.values():
        assert 0.05 < np.abs(weight.numpy()).max() <= 0.1


def test_equal_seeds_give_equal_weights(macro_space):
    space = macro_space(3, 2)
    one, two, other = (policy_of(space, seed=seed) for seed in (1, 1, 2))
    for name, weight in one.named_weights.items():
        np.testing.assert_array_equal(weight.numpy(), two.named_weights[name].numpy())
        assert (weight.numpy() != other.named_weights[name].numpy()).any()


@pytest.mark.parametrize(("tanh_constant", "temperature"), [(2.5, 5.0), (1.5, None), (None, None)])
def test_it_computes_what_the_released_code_computes(macro_space, tanh_constant, temperature):
    """Against the macro controller written out in NumPy, layer by layer."""
    space = macro_space(4, 3)
    policy = policy_of(space, init_range=1.0, tanh_constant=tanh_constant, temperature=temperature)
    w = {name: weight.numpy() for name, weight in policy.named_weights.items()}
    architecture = space.random(1, np.random.default_rng(3))[0]
    logits = logits_by_step(policy, architecture[None])

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def lstm(x, h, c):
        i, f, g, o = np.split(x @ w["lstm/kernel"] + h @ w["lstm/recurrent_kernel"], 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    def shaped(x):
        x = x / (temperature or 1.0)
        return x if tanh_constant is None else tanh_constant * np.tanh(x)

    h = c = np.zeros((1, 64))
    x = w["start"]
    anchors, expected, position = [], [], 0
    for k in range(4):
        h, c = lstm(x, h, c)
        expected.append(shaped(h @ w["softmax/0"]))
        x = w["embedding/0"][[architecture[position]]]
        position += 1
        h, c = lstm(x, h, c)
        if k == 0:
            x = w["start"]
        else:
            stacked = np.concatenate(anchors)
            query = np.tanh(stacked @ w["attention/w1"] + h @ w["attention/w2"])
            query = query @ w["attention/v"]
            expected.append(shaped(np.concatenate([-query, query], axis=1)))
            skip = architecture[None, position : position + k]
            position += k
            x = skip @ stacked / (1.0 + skip.sum())
        anchors.append(h)
    for ours, theirs in zip(logits, expected, strict=True):
        np.testing.assert_allclose(ours[0], theirs, atol=1e-4)


def test_offsets_change_nothing_at_the_start(macro_space):
    space = macro_space(4, 3)
    architectures = space.random(5, np.random.default_rng(0))
    paper = logits_by_step(policy_of(space), architectures)
    ours = logits_by_step(policy_of(space, offset_learning_rate=0.1), architectures)
    for one, two in zip(paper, ours, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("profile", ["paper", "default"])
def test_it_is_a_distribution_over_any_space(mixed_space, profile):
    policy = policy_of(mixed_space, profile, init_range=2.0)
    if policy.offsets:
        with_random_offsets(policy)
    architectures = all_architectures(mixed_space)
    assert len(architectures) == mixed_space.size
    total = probability_of(policy, architectures).sum()
    np.testing.assert_allclose(total, 1.0, atol=1e-5)


def test_samples_follow_the_probabilities(mixed_space):
    policy = with_random_offsets(policy_of(mixed_space, "default", init_range=2.0))
    architectures = all_architectures(mixed_space)
    expected = 20000 * probability_of(policy, architectures)
    drawn, _ = policy.draw(tf.constant(20000), tf.constant([1, 2]), tf.constant(1.0))
    places = np.ravel_multi_index(drawn.numpy().T, mixed_space.num_candidates)
    observed = np.bincount(places, minlength=len(architectures))
    # Chi-square over the cells of at least 5 expected: mean and variance are k and 2k. The bound
    # stands 6 standard deviations off; a false alarm would come once in about 1e7 seeds.
    cells = expected >= 5
    k = int(cells.sum())
    chi_square = (np.square(observed - expected) / expected)[cells].sum()
    assert k > 30
    assert chi_square < k + 6 * np.sqrt(2 * k)


def test_the_logits_drawn_by_are_the_logits_of_what_was_drawn(mixed_space):
    policy = with_random_offsets(policy_of(mixed_space, "default", init_range=1.0))
    drawn, logits = policy.draw(tf.constant(8), tf.constant([0, 0]), tf.constant(1.0))
    for one, two in zip(logits, logits_by_step(policy, drawn.numpy()), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    mixed_space.check(drawn.numpy())


def test_without_temperature_every_step_takes_its_likeliest(mixed_space):
    policy = policy_of(mixed_space, init_range=1.0)
    drawn, _ = policy.draw(tf.constant(2), tf.constant([0, 0]), tf.constant(0.0))
    np.testing.assert_array_equal(drawn[0], drawn[1])
    for step, x in zip(policy.plan.steps, logits_by_step(policy, drawn.numpy()), strict=True):
        np.testing.assert_array_equal(drawn[:, step.start : step.stop], np.argmax(x, axis=-1))


def test_mixed_precision_leaves_it_alone(macro_space):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        policy = policy_of(macro_space(3, 2), "default")
        _, logits = policy.draw(tf.constant(2), tf.constant([0, 0]), tf.constant(1.0))
    finally:
        keras.config.set_dtype_policy("float32")
    assert logits[0].dtype == tf.float32


@pytest.mark.parametrize(
    "decisions",
    [
        [Decision("a", "op", ("x",))],
        [Decision("a", "input", (0, 1, 2))],
        [Decision("s/0", "skip", (0, 1), "s"), Decision("s/1", "skip", (0, 1), "s")],
        [Decision("b/s/0", "skip", (0, 1), "b/s"), Decision("b/op", "op", ("x", "y"))],
    ],
)
def test_the_smallest_spaces(decisions):
    space = SearchSpace(decisions)
    policy = policy_of(space, "default")
    total = probability_of(policy, all_architectures(space)).sum()
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


def cell_space(nodes):
    decisions = [Decision("cell/node_0/f", "op", ("a", "b"))]
    for node in range(1, nodes):
        decisions.append(Decision(f"cell/node_{node}/input", "input", tuple(range(node))))
        decisions.append(Decision(f"cell/node_{node}/f", "op", ("a", "b")))
    return SearchSpace(decisions)


def test_near_inputs_are_likelier_with_a_distance_penalty():
    """With small weights the policy is the penalty: chances as `exp(-d^2 / 6)`."""
    space = cell_space(5)
    policy = policy_of(space, "released_code_recurrent", init_range=1e-4)
    logits = logits_by_step(policy, space.random(3, np.random.default_rng(0)))
    distances = np.array([4.0, 3.0, 2.0, 1.0])
    expected = np.exp(-(distances**2) / 6)
    chances = tf.nn.softmax(logits[-2][:, 0]).numpy()
    np.testing.assert_allclose(chances, np.tile(expected / expected.sum(), (3, 1)), atol=1e-4)
    plain = logits_by_step(
        policy_of(space, "paper", init_range=1e-4), space.random(3, np.random.default_rng(0))
    )
    np.testing.assert_allclose(plain[-2], 0, atol=1e-4)


def test_drawing_follows_the_distance_penalty():
    """What is drawn has the chances that learning takes for it, the divided input included."""
    space = cell_space(4)
    policy = policy_of(space, "released_code_recurrent", init_range=1.0)
    actions, logits = policy.draw(50, np.array([1, 2], np.int32), 1.0)
    again = logits_by_step(policy, actions.numpy())
    for mine, theirs in zip(logits, again, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)


def test_a_decision_of_one_candidate_costs_nothing():
    space = cell_space(2)
    policy = policy_of(space)
    architectures = all_architectures(space)
    assert len(architectures) == 4
    np.testing.assert_allclose(probability_of(policy, architectures).sum(), 1, rtol=1e-6)
