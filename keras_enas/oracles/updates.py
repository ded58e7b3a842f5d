"""How many samples are one update of a policy."""

import itertools


def chunks(n, size):
    """Slices of `size`, the last one with what is left; a single one joins the one before.

    (An advantage is taken among the samples of an update. Where `size` is 1 there are no others.)
    """
    starts = list(range(0, n, size))
    if size > 1 and len(starts) > 1 and n - starts[-1] == 1:
        starts.pop()
    return [slice(start, stop) for start, stop in itertools.pairwise([*starts, n])]
