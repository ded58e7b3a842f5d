"""Architectures in the order of a training-free score, with what counting says."""

import dataclasses

from keras_enas.cost import count_flops, count_parameters
from keras_enas.search_space import Architecture
from keras_enas.training_free.running import dtype_of, of_supergraph
from keras_enas.training_free.scores import INTO_THE_NETWORK, check_name

COUNTS = {"parameters": count_parameters, "flops": count_flops}


@dataclasses.dataclass(frozen=True)
class Ranked:
    """An architecture with its training-free score and the controls.

    Args:
        architecture: The `Architecture`.
        score: Float, higher is better.
        parameters: Integer.
        flops: Integer.
    """

    architecture: Architecture
    score: float
    parameters: int
    flops: int


def rank(tuner, architectures, batch, name="naswot", seed=None):
    """Orders architectures by a training-free score.

    A supergraph of fresh weights is built and traced once for it, not the one that
    the tuner has trained: two architectures differ by what they are and not by
    their initial weights, as far as they share them.

    Parameters and operations are always counted along: a score that ranks no
    better than these is worth nothing. They are the hypermodel's own counts if it has
    the methods `count_parameters(architecture)` and `count_flops(architecture)`, as
    `HyperNASBench201` does; otherwise each child is built for them, which then
    costs more than the score.

    Args:
        tuner: An `ENASTuner`, which need not have searched.
        architectures: List of `Architecture`, or of their texts.
        batch: Inputs, or `(x, y)`; 64 examples are enough.
        name: String, one of `SCORES`.
        seed: Optional integer, of the fresh weights; default the tuner's.

    Returns:
        List of `Ranked`, best first; equals stay in their order.

    Raises:
        ValueError: If an argument does not fit.
    """
    check_name(name)
    space = tuner.space
    parsed = [space.parse(a) if isinstance(a, str) else a for a in architectures]
    for one in parsed:
        if not isinstance(one, Architecture) or one.space != space:
            raise ValueError(f"`architectures`: {one!r} is not of this tuner's space.")
    costs = [_counts(tuner, one, "parameters", "flops") for one in parsed]
    if name in INTO_THE_NETWORK:
        scores = scores_of(tuner, batch, name, seed)(parsed)
    else:
        scores = [float(cost[name == "flops"]) for cost in costs]
    ranked = [
        Ranked(one, score, *cost) for one, score, cost in zip(parsed, scores, costs, strict=True)
    ]
    return sorted(ranked, key=lambda one: -one.score)


def scores_of(tuner, batch, name, seed=None):
    """Returns a function that scores architectures, again and again with one trace.

    Args:
        tuner: As in `rank`.
        batch: As in `rank`.
        name: As in `rank`.
        seed: As in `rank`.

    Returns:
        A callable from a list of `Architecture` to a list of floats.

    Raises:
        ValueError: If there is no such score, or the networks do not have it.
    """
    check_name(name)
    if name not in INTO_THE_NETWORK:
        return lambda architectures: [float(_counts(tuner, one, name)[0]) for one in architectures]
    into = INTO_THE_NETWORK[name]()
    with dtype_of(into):
        score = of_supergraph(into, tuner.fresh_supergraph(seed), batch)

    def scores(architectures):
        with dtype_of(into):
            return [score(one) for one in architectures]

    return scores


def _counts(tuner, architecture, *names):
    """Integers: parameters, FLOPs or both; a child is built for what is not counted without."""
    child, counts = None, []
    for name in names:
        own = getattr(tuner.hypermodel, f"count_{name}", None)
        if callable(own):
            counts.append(int(own(architecture)))
            continue
        child = child or tuner.build_child(architecture)
        counts.append(COUNTS[name](child))
    return counts
