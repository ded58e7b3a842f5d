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
    all scores, and its mean for each is returned. Predictors of this kind are a usual companion
    of scores (White et al. 2021, "How powerful are performance predictors in neural
    architecture search?", arXiv 2104.01177); neither the ENAS paper nor its code has it.

    It needs many architectures, such as some hundreds drawn at random; of few it says that they
    are nearly alike. Time grows with the cube of their number.

    Args:
        architectures: List of `Architecture` of one space.
        values: Sequence of as many floats, higher is better: rewards of `ENASTuner.score`,
            or losses with the sign turned. What is not finite counts as the lowest.

    Returns:
        float64 array `(n,)`, higher is better. They are smoothed ranks, from about 0 (lowest) to
        about 1, and compare with each other only.

    Raises:
        ValueError: If there are none, of different spaces, or not as many values.
    """
    architectures = list(architectures)
    values = np.array([float(one) for one in values])
    for one in architectures:
        if not isinstance(one, Architecture) or one.space != architectures[0].space:
            raise ValueError(
                "`architectures` must be `Architecture`s of one space. Received among them: "
                f"{one!r}."
            )
    if not architectures or len(values) != len(architectures):
        raise ValueError(
            "`values` must be one for each of at least one architecture. Received: "
            f"{len(values)} values, {len(architectures)} architectures."
        )
    # A few broken ones may score far below all others: how far says nothing.
    ranks = rankdata(np.where(np.isnan(values), -np.inf, values)) / len(values)
    indices = [one.indices for one in architectures]
    space = architectures[0].space
    return Regression(space.num_candidates, indices, ranks).mean(indices)
