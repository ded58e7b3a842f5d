"""Scores of which each has something of those of similar architectures."""

import numpy as np
from scipy.stats import rankdata

from keras_enas.search_space import Architecture
from keras_enas.tuner.regression import Regression


def smoothed(architectures, values):
    """What a regression on the decisions makes of scores: some of their noise is taken out.

    A score with the shared weights says something of its architecture, and something of its
    batches and of what was trained last. What similar architectures score helps to tell these
    apart: a Gaussian process, whose kernel has pairs of decisions, is fitted to the ranks of
    all scores, and its mean for each, whose own score is one of them, is returned. Predictors
    of this kind are a usual companion of scores (White et al. 2021, "How powerful are
    performance predictors in neural architecture search?", arXiv 2104.01177); neither the ENAS
    paper nor its code has it.

    It needs many architectures, such as some hundreds drawn at random: of few it hands the
    ranks back, a little closer together. Time grows with the cube of their number.

    Args:
        architectures: List of `Architecture` of one space.
        values: Sequence of as many floats, higher is better: rewards of `ENASTuner.score`, or
            losses with the sign turned. What is not finite counts as the lowest. With a
            `cost_target` a reward has a penalty for the cost, which would be smoothed, too.

    Returns:
        float64 array `(n,)`, higher is better. They are smoothed ranks, within about 0 to 1,
        the closer together the more noise there was, and compare with each other only.

    Raises:
        ValueError: If there are none, of different spaces, or not as many values.
    """
    if isinstance(architectures, Architecture):
        raise ValueError("`architectures` must be a list of `Architecture`s, not a single one.")
    architectures = list(architectures)
    if not architectures:
        raise ValueError("`architectures` must be at least one `Architecture`. Received: [].")
    for one in architectures:
        if not isinstance(one, Architecture) or one.space != architectures[0].space:
            raise ValueError(
                "`architectures` must be `Architecture`s of one space. Received among them: "
                f"{one!r}."
            )
    try:
        values = np.array([float(one) for one in values])
    except (TypeError, ValueError) as error:
        raise ValueError(
            "`values` must be a sequence of floats, such as each `score.reward` of "
            f"`ENASTuner.score`. {error}"
        ) from error
    if len(values) != len(architectures):
        raise ValueError(
            f"`values` must be one for each of {len(architectures)} architectures. Received: "
            f"{len(values)}."
        )
    # A few broken ones may score far below all others: how far says nothing.
    ranks = rankdata(np.where(np.isfinite(values), values, -np.inf)) / len(values)
    indices = [one.indices for one in architectures]
    return Regression(architectures[0].space.num_candidates, indices, ranks).mean(indices)
