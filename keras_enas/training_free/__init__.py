"""Scores of untrained networks, to be judged beside the number of their parameters.

Each score takes a child and a batch and gives a float, higher is better. None of them is a
promise: on many spaces they do not beat counting parameters, so `rank` always counts, too.
"""

from keras_enas.training_free.jacobian_covariance import jacobian_covariance
from keras_enas.training_free.naswot import naswot
from keras_enas.training_free.ranking import Ranked, rank, scores_of
from keras_enas.training_free.scores import SCORES, score
from keras_enas.training_free.size import flops, parameters
from keras_enas.training_free.synflow import synflow

__all__ = [
    "SCORES",
    "Ranked",
    "flops",
    "jacobian_covariance",
    "naswot",
    "parameters",
    "rank",
    "score",
    "scores_of",
    "synflow",
]
