"""REINFORCE in pieces: pure functions named like the mathematics.

`n` is the number of architectures of one update, `decisions` the number of
decisions of the space. The ENAS paper is https://arxiv.org/abs/1802.03268;
REINFORCE is Williams (1992). No function here keeps state.
"""

import math

import tensorflow as tf


def advantage(rewards, baselines):
    """How much better than expected: `A_i = R_i - b_i` (ENAS, section 2.2).

    Args:
        rewards: Float tensor `(n,)`.
        baselines: Float tensor `(n,)` or scalar.

    Returns:
        Float tensor `(n,)`.
    """
    return rewards - baselines


def normalised_advantage(rewards, epsilon=1e-6):
    """`A_i = (R_i - mean(R)) / (std(R) + epsilon)` over the architectures of one update.

    Not in the paper. Raw advantages of accuracies are of order 0.05, which
    leaves the policy gradient smaller than its own noise.

    Args:
        rewards: Float tensor `(n,)`.
        epsilon: Float, keeps equal rewards at an advantage of zero.

    Returns:
        Float tensor `(n,)`.
    """
    centred = rewards - tf.reduce_mean(rewards)
    return centred / (tf.sqrt(tf.reduce_mean(tf.square(centred))) + epsilon)


def moving_average_baseline(baseline, rewards, decay):
    """`b_i = decay * b_(i-1) + (1 - decay) * R_i`, a step for every reward in turn.

    As in the released code the baseline moves before it is subtracted. That
    code starts it at 0, so that everything sampled early is reinforced; here it
    starts at the first reward (`b_0 = R_1`).

    Args:
        baseline: Float scalar tensor, NaN before the first reward.
        rewards: Float tensor `(n,)`.
        decay: Float in `[0, 1)`.

    Returns:
        Tuple of the baseline of each reward `(n,)` and the last one, a scalar.
    """
    decay = tf.constant(decay, rewards.dtype)
    start = tf.where(tf.math.is_nan(baseline), rewards[0], baseline)
    age = tf.range(tf.shape(rewards)[0])
    age = tf.cast(age[:, None] - age[None, :], rewards.dtype)
    # Ages below zero lie in the future: masked before the power, which would overflow.
    weights = tf.where(age >= 0, (1 - decay) * tf.pow(decay, tf.maximum(age, 0.0)), 0.0)
    baselines = tf.pow(decay, age[:, 0] + 1) * start + tf.linalg.matvec(weights, rewards)
    return baselines, baselines[-1]


def entropy(logits):
    """True entropy in nats: `H = -sum_c p_c log p_c` over the last axis.

    Args:
        logits: Float tensor `(..., candidates)`.

    Returns:
        Float tensor `(...)`.
    """
    log_p = tf.nn.log_softmax(logits)
    return -tf.reduce_sum(tf.exp(log_p) * log_p, axis=-1)


def sampled_action_entropy(log_probs):
    """`-p log p` of the chosen candidate alone, as the released macro code has it.

    It underestimates the entropy of the policy; `entropy` is the true one.

    Args:
        log_probs: Float tensor of any shape, log-probabilities of what was chosen.

    Returns:
        Float tensor of the same shape.
    """
    return -tf.exp(log_probs) * log_probs


def skip_penalty(logits, rate, vectors):
    """KL divergence of the skip probabilities from a rate (ENAS, section 2.3).

    `sum_bits [p log(p / rate) + (1 - p) log((1 - p) / (1 - rate))] / vectors`:
    summed over the bits of a skip vector, averaged over skip vectors and
    architectures.

    Args:
        logits: Float tensor `(n, bits)`, `p = sigmoid(logits)` is the
            probability of a skip; the bits of all skip vectors side by side.
        rate: Float in `(0, 1)`, the share of skips aimed for.
        vectors: Integer, how many skip vectors there are.

    Returns:
        Float scalar tensor, zero if every `p` is the rate.
    """
    log_p, log_q = tf.math.log_sigmoid(logits), tf.math.log_sigmoid(-logits)
    kl = tf.exp(log_p) * (log_p - math.log(rate))
    kl += tf.exp(log_q) * (log_q - math.log(1 - rate))
    return tf.reduce_mean(tf.reduce_sum(kl, axis=1)) / vectors


def policy_gradient_loss(log_probs, advantages):
    """`-mean_i A_i log pi(a_i)`, whose gradient is that of REINFORCE.

    Args:
        log_probs: Float tensor `(n,)`, log-probability of each architecture.
        advantages: Float tensor `(n,)`; no gradient flows through it.

    Returns:
        Float scalar tensor.
    """
    return -tf.reduce_mean(tf.stop_gradient(advantages) * log_probs)
