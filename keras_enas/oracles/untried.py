"""Finding an architecture that no trial has had: to train one twice would be a waste."""

import numpy as np

# How often an architecture is drawn again before another one is looked for near by.
MAX_COLLISIONS = 20
# How far is gone for it.
MAX_STEPS = 100


def untried(space, draw, tried, rng):
    """Returns an architecture that has not been tried, or None if there is none left.

    KerasTuner's own tuners draw again up to 20 times and then call the space
    exhausted. A strategy that has learned repeats itself long before it is: here the
    search goes on beside what was drawn last, by a random walk of one decision at a
    time, and ends only when every architecture of the space has been tried.

    Args:
        space: A `SearchSpace`.
        draw: Callable without arguments, returns an int array `(decisions,)`.
        tried: Set of tuples of indices.
        rng: `numpy.random.Generator`, for what lies beside.

    Returns:
        int32 array `(decisions,)`, or None.
    """
    if len(tried) >= space.size:
        return None
    for _ in range(1 + MAX_COLLISIONS):
        drawn = draw()
        if tuple(drawn.tolist()) not in tried:
            return drawn
    walked = np.array(drawn, np.int32)
    free = np.flatnonzero(space.num_candidates > 1)
    for _ in range(MAX_STEPS):
        i = rng.choice(free)
        walked[i] = rng.integers(space.num_candidates[i])
        if tuple(walked.tolist()) not in tried:
            return walked
    if space.size > 2 * len(tried):
        # At least every second one is new.
        while tuple(walked.tolist()) in tried:
            walked = space.random(1, rng)[0]
        return walked
    every = np.stack(np.unravel_index(np.arange(space.size), space.num_candidates), axis=1)
    left = [row for row in every if tuple(row.tolist()) not in tried]
    return left[rng.integers(len(left))].astype(np.int32)
