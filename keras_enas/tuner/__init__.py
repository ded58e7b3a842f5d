"""The search as a KerasTuner tuner."""

from keras_enas.tuner.rank_correlation import RankCorrelation
from keras_enas.tuner.results import FoundArchitecture
from keras_enas.tuner.retrained import Retrained, TrainedChild
from keras_enas.tuner.round import Score
from keras_enas.tuner.tuner import ENASTuner

__all__ = [
    "ENASTuner",
    "FoundArchitecture",
    "RankCorrelation",
    "Retrained",
    "Score",
    "TrainedChild",
]
