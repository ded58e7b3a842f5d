"""Tables over the chain of decisions: what is chosen, given what was chosen just before.

A table is a float array `(decisions, candidates before, candidates)`, padded to the widest
decision. The first decision has the row 0 alone. A policy is a table whose rows are
probabilities, 0 where there is no candidate.
"""

import numpy as np


def mask(num_candidates):
    """Which entries of a table are candidates, boolean `(decisions, 1, candidates)`.

    Args:
        num_candidates: int array `(decisions,)`.
    """
    return np.arange(num_candidates.max())[None, None, :] < num_candidates[:, None, None]


def previous(architectures):
    """What was chosen just before each decision, of the shape given; 0 before the first.

    Args:
        architectures: int array `(n, decisions)`.
    """
    shifted = np.zeros_like(architectures)
    shifted[:, 1:] = architectures[:, :-1]
    return shifted


def greedy(table):
    """Follows the largest entries, int32 `(decisions,)`; of equal ones the first."""
    chosen, before = [], 0
    for rows in table:
        before = int(np.argmax(rows[before]))
        chosen.append(before)
    return np.array(chosen, np.int32)


def walk(policy, n, rng):
    """Draws `n` architectures of a policy, int32 `(n, decisions)`.

    Args:
        policy: Float array `(decisions, candidates before, candidates)`.
        n: Integer.
        rng: `numpy.random.Generator`.
    """
    chosen = np.zeros((n, len(policy)), np.int32)
    before = np.zeros(n, np.int32)
    for i, rows in enumerate(policy):
        before = chosen[:, i] = roulette(rows[before], rng)
    return chosen


def roulette(weights, rng):
    """Draws an index of each row in proportion to its weights, int `(n,)`.

    Args:
        weights: Float array `(n, candidates)`, not negative, no row all zero.
        rng: `numpy.random.Generator`.
    """
    steps = np.cumsum(weights, axis=-1)
    drawn = rng.random((len(weights), 1)) * steps[:, -1:]
    # Rounding may put the point at the very end: never onto padding, whose weight is 0.
    return np.minimum(np.sum(steps <= drawn, axis=-1), np.argmax(steps == steps[:, -1:], axis=-1))


def marginals(policy):
    """Probability of every candidate over all walks, a list of float arrays `(candidates,)`."""
    found, before = [], np.eye(policy.shape[1])[0]
    for rows in policy:
        found.append(before @ rows)
        before = found[-1]
    return found
