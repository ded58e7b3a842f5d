"""Which architectures the shared weights are trained on, step by step."""

import numpy as np

from keras_enas.cost import count_parameters
from keras_enas.supergraph import OpSwitch, parts_of

# What an architecture of the shared-weight phase may be drawn by.
SAMPLINGS = ("controller", "uniform", "fair", "sandwich")


def draw(sampling, n, group, oracle, sizes, seed):
    """Draws the architectures of a shared-weight phase.

    Args:
        sampling: String, one of `SAMPLINGS`. `"controller"`: as the oracle samples (ENAS).
            `"uniform"`: every architecture alike (Guo et al. 2020, Single Path
            One-Shot). `"fair"`: see `fair`. `"sandwich"`: see `sandwich`.
        n: Integer, how many.
        group: Integer, architectures of one update of the weights.
        oracle: A `SearchOracle`; only `"controller"` advances its draw counter.
        sizes: Callable without arguments that returns for each decision how
            large its candidates are, as in `sandwich`.
        seed: Tuple of integers, for all but `"controller"`.

    Returns:
        int32 array `(n, decisions)`; consecutive `group` of them are one update.
    """
    if sampling == "controller":
        return oracle.sample(n)
    rng = np.random.default_rng(seed)
    if sampling == "fair":
        return fair(oracle.space, n, rng)
    if sampling == "sandwich":
        return sandwich(oracle.space, n, group, sizes(), rng)
    return oracle.space.random(n, rng)


def fair(space, n, rng):
    """Draws so that the candidates of a decision are trained equally often.

    Of a decision with m candidates each m consecutive architectures have every
    candidate once, in an order drawn anew (Chu et al. 2021, FairNAS, section 3.2). With
    as many architectures an update as candidates this is its strict fairness.

    Args:
        space: A `SearchSpace`.
        n: Integer.
        rng: `numpy.random.Generator`.

    Returns:
        int32 array `(n, decisions)`.
    """
    columns = []
    for m in space.num_candidates:
        turns = np.tile(np.arange(m, dtype=np.int32), (-(-n // int(m)), 1))
        columns.append(rng.permuted(turns, axis=1).ravel()[:n])
    return np.stack(columns, axis=1)


def sandwich(space, n, group, sizes, rng):
    """Draws so that every update has the largest and the smallest architecture.

    The others of the update are uniform (Yu and Huang 2019, the sandwich rule).

    Args:
        space: A `SearchSpace`.
        n: Integer.
        group: Integer of at least 2, architectures of one update.
        sizes: List of one float array `(candidates,)` a decision: how large
            each candidate is. Where several are equally large or small one of
            these is drawn.
        rng: `numpy.random.Generator`.

    Returns:
        int32 array `(n, decisions)`.
    """
    rows = space.random(n, rng)
    for start, sign in ((0, 1.0), (1, -1.0)):
        at = np.arange(start, n, group)
        for i, size in enumerate(sizes):
            size = sign * np.asarray(size, float)
            best = np.flatnonzero(size == size.max())
            rows[at, i] = rng.choice(best, len(at))
    return rows


def sizes_of_candidates(supergraph):
    """How large the candidates of each decision are, for `sandwich`.

    Args:
        supergraph: A `Supergraph`.

    Returns:
        List of one float array `(candidates,)` a decision: the trainable
        parameters of an operation's layers, 0 and 1 of a skip, all 0 of an input.
    """
    sizes = [
        np.arange(2.0) if decision.kind == "skip" else np.zeros(len(decision.candidates))
        for decision in supergraph.space
    ]
    for part, _ in parts_of(supergraph.network):
        if isinstance(part, OpSwitch):
            sizes[part.position] += [count_parameters(branch) for branch in part.branches]
    return sizes
