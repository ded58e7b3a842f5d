"""Architectures that are like another one."""

import itertools

import numpy as np

# How many exchanges of an architecture are looked at: in a large space there are thousands.
MOST_SWAPS = 100


def neighbours(space, indices):
    """Yields the architectures that differ from one in one decision.

    Args:
        space: The `SearchSpace`.
        indices: Tuple of integers `(decisions,)`.

    Yields:
        Tuples of integers `(decisions,)`.
    """
    for decision, candidate in _others(space, indices):
        yield (*indices[:decision], candidate, *indices[decision + 1 :])


def swaps(space, indices):
    """The architectures in which two decisions of one have exchanged their candidates.

    Where both stand at one width and resolution, as in a cell, that costs about the same.

    Args:
        space: The `SearchSpace`. Decisions exchange if they are of one kind and have the
            same candidates.
        indices: Tuple of integers `(decisions,)`.

    Returns:
        List of tuples of integers `(decisions,)`: all, or `MOST_SWAPS` drawn at random, of one
        architecture always the same.
    """
    choices = [(decision.kind, decision.candidates) for decision in space]
    pairs = [
        (i, j)
        for i, j in itertools.combinations(range(len(indices)), 2)
        if indices[i] != indices[j] and choices[i] == choices[j]
    ]
    if len(pairs) > MOST_SWAPS:
        rng = np.random.default_rng([int(one) for one in indices])
        drawn = rng.choice(len(pairs), MOST_SWAPS, replace=False)
        pairs = [pairs[i] for i in sorted(drawn.tolist())]
    found = []
    for i, j in pairs:
        one = list(indices)
        one[i], one[j] = indices[j], indices[i]
        found.append(tuple(one))
    return found


def mutants(space, indices, n, rng):
    """Architectures that differ from one, and together have every candidate of each decision.

    The candidates that it does not have are dealt round to `n`, those of one decision to
    different ones, so that each differs in as few decisions as `n` allow. (If one
    decision has more than `n` others, some are left out.)

    Args:
        space: The `SearchSpace`.
        indices: Tuple of integers `(decisions,)`.
        n: Integer.
        rng: A `numpy.random.Generator`, which says what goes together.

    Returns:
        List of at most `n` tuples `(decisions,)`, in an order drawn at random.
    """
    if n < 1:
        return []
    others = list(_others(space, indices))
    order = sorted(rng.permutation(len(others)).tolist(), key=lambda i: others[i][0])
    found = [list(indices) for _ in range(min(n, len(others)))]
    for place, i in enumerate(order):
        decision, candidate = others[i]
        mutant = found[place % n]
        if mutant[decision] == indices[decision]:
            mutant[decision] = candidate
    # By decision: who tries the first of them only would not vary the last decisions.
    return [tuple(found[i]) for i in rng.permutation(len(found))]


def _others(space, indices):
    """Yields every decision with each candidate of it that an architecture does not have."""
    for decision, count in enumerate(space.num_candidates):
        for candidate in range(int(count)):
            if candidate != indices[decision]:
                yield decision, candidate
