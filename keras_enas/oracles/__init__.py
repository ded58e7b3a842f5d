"""Search strategies: KerasTuner oracles with two verbs, `sample` and `learn`."""

from keras_enas.oracles.ant_colony import AntColonyOracle
from keras_enas.oracles.enas import ENASOracle
from keras_enas.oracles.evolution import RegularizedEvolutionOracle
from keras_enas.oracles.factorized import FactorizedOracle
from keras_enas.oracles.oracle import SearchOracle
from keras_enas.oracles.progressive import ProgressiveOracle
from keras_enas.oracles.q_learning import QLearningOracle
from keras_enas.oracles.random import RandomOracle

__all__ = [
    "AntColonyOracle",
    "ENASOracle",
    "FactorizedOracle",
    "ProgressiveOracle",
    "QLearningOracle",
    "RandomOracle",
    "RegularizedEvolutionOracle",
    "SearchOracle",
]
