"""Search strategies: KerasTuner oracles with two verbs, `sample` and `learn`."""

from keras_enas.oracles.enas import ENASOracle
from keras_enas.oracles.oracle import SearchOracle
from keras_enas.oracles.random import RandomOracle

__all__ = ["ENASOracle", "RandomOracle", "SearchOracle"]
