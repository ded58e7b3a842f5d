"""The pieces of REINFORCE against values worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from keras_enas.controllers import reinforce

LN2, LN3 = np.log(2.0), np.log(3.0)


def test_advantage_is_reward_minus_baseline():
    result = reinforce.advantage(tf.constant([0.5, 0.25]), tf.constant(0.25))
    np.testing.assert_allclose(result, [0.25, 0.0])


def test_normalised_advantage():
    # Mean 2, deviations -1 and 1, standard deviation 1.
    result = reinforce.normalised_advantage(tf.constant([1.0, 3.0], tf.float64), epsilon=0.0)
    np.testing.assert_allclose(result, [-1.0, 1.0])


def test_equal_rewards_have_no_normalised_advantage():
    result = reinforce.normalised_advantage(tf.fill((20,), tf.constant(0.7, tf.float64)))
    np.testing.assert_allclose(result, np.zeros(20), atol=1e-8)


def test_baseline_starts_at_the_first_reward():
    baselines, last = reinforce.moving_average_baseline(
        tf.constant(np.nan, tf.float64), tf.constant([4.0, 8.0], tf.float64), 0.75
    )
    # 0.75 * 4 + 0.25 * 4 = 4, then 0.75 * 4 + 0.25 * 8 = 5.
    np.testing.assert_allclose(baselines, [4.0, 5.0])
    np.testing.assert_allclose(last, 5.0)


def test_baseline_goes_on_where_it_was_and_equals_the_recursion():
    rewards = np.random.default_rng(0).normal(size=2000)
    expected, b = [], 1.5
    for reward in rewards:
        b = 0.99 * b + 0.01 * reward
        expected.append(b)
    baselines, last = reinforce.moving_average_baseline(
        tf.constant(1.5, tf.float64), tf.constant(rewards), 0.99
    )
    np.testing.assert_allclose(baselines, expected, atol=1e-12)
    np.testing.assert_allclose(last, b, atol=1e-12)


def test_entropy_of_the_policy():
    # p = (1/2, 1/2) and p = (3/4, 1/4): 3/4 ln(4/3) + 1/4 ln 4 = 2 ln 2 - 3/4 ln 3.
    result = reinforce.entropy(tf.constant([[0.0, 0.0], [LN3, 0.0]], tf.float64))
    np.testing.assert_allclose(result, [LN2, 2 * LN2 - 0.75 * LN3])


def test_entropy_of_the_sampled_candidate_alone():
    result = reinforce.sampled_action_entropy(tf.constant([-LN2, 0.0], tf.float64))
    np.testing.assert_allclose(result, [LN2 / 2, 0.0])


def test_skip_penalty_is_zero_at_the_rate():
    logit = np.log(0.4 / 0.6)
    logits = tf.fill((3, 5), tf.constant(logit, tf.float64))
    np.testing.assert_allclose(reinforce.skip_penalty(logits, 0.4, 2), 0.0, atol=1e-12)


def test_skip_penalty_sums_bits_and_averages_vectors_and_architectures():
    # Bits of probability 1/2 against a rate of 1/4: 1/2 ln 2 + 1/2 ln(2/3) = ln 2 - ln(3)/2.
    logits = tf.zeros((7, 6), tf.float64)
    expected = 6 * (LN2 - LN3 / 2) / 3
    np.testing.assert_allclose(reinforce.skip_penalty(logits, 0.25, 3), expected)


def test_policy_gradient_loss():
    result = reinforce.policy_gradient_loss(tf.constant([-1.0, -2.0]), tf.constant([3.0, -1.0]))
    # -(3 * -1 + -1 * -2) / 2
    np.testing.assert_allclose(result, 0.5)


def test_no_gradient_flows_through_the_advantages():
    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        loss = reinforce.policy_gradient_loss(tf.constant([-1.0]), tf.reshape(x, (1,)))
    assert tape.gradient(loss, x) is None


@pytest.mark.parametrize("logits", [(0.3, -0.2, 0.5, 0.1, -0.4), (2.0, 0.0, 0.0, -1.0, 1.0)])
def test_gradient_is_the_analytic_policy_gradient(logits):
    """Two independent decisions, of 2 and 3 candidates.

    Weighted by the probability of each architecture, the loss over all six has
    the gradient `-dE[R]/dlogit_c = -p_c (E[R | c] - E[R])`.
    """
    rewards = np.array([[1.0, 0.2, 0.4], [0.1, 0.9, 0.3]])
    first, second = np.array(logits[:2]), np.array(logits[2:])
    p, q = (np.exp(x) / np.exp(x).sum() for x in (first, second))
    mean = p @ rewards @ q
    expected = -np.concatenate([p * (rewards @ q - mean), q * (p @ rewards - mean)])

    variable = tf.Variable(logits, dtype=tf.float64)
    with tf.GradientTape() as tape:
        log_p, log_q = tf.nn.log_softmax(variable[:2]), tf.nn.log_softmax(variable[2:])
        log_probs = tf.reshape(log_p[:, None] + log_q[None, :], (-1,))
        # The loss is a mean over six; their probabilities make it the expectation.
        advantages = 6 * np.outer(p, q) * reinforce.advantage(rewards, mean)
        loss = reinforce.policy_gradient_loss(log_probs, tf.reshape(advantages, (-1,)))
    np.testing.assert_allclose(tape.gradient(loss, variable), expected, atol=1e-12)
