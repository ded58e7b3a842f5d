"""Efficient Neural Architecture Search for Keras and KerasTuner.

Names are loaded when they are used: a script that only reads architectures
(`keras_enas.Architecture`) does not wait for TensorFlow.
"""

import importlib

_HOMES = {
    "AntColonyOracle": "oracles",
    "Architecture": "search_space",
    "Decision": "search_space",
    "ENASOracle": "oracles",
    "ENASTuner": "tuner",
    "FactorizedOracle": "oracles",
    "HyperMacroCNN": "hypermodels",
    "HyperMicroCNN": "hypermodels",
    "HyperNASBench201": "hypermodels",
    "HyperRecurrentLM": "hypermodels",
    "IndexChoice": "choices",
    "InputChoice": "choices",
    "Keyed": "choices",
    "Latency": "tuner.resources",
    "LinearProbe": "linear_probe",
    "LooseEnds": "choices",
    "OpChoice": "choices",
    "Perplexity": "metrics",
    "ProgressiveOracle": "oracles",
    "QLearningOracle": "oracles",
    "RandomOracle": "oracles",
    "RegularizedEvolutionOracle": "oracles",
    "SearchOracle": "oracles",
    "SearchSpace": "search_space",
    "SkipChoice": "choices",
    "SuccessiveHalving": "tuner.halving",
    "Supergraph": "supergraph",
    "layers": None,
    "perplexity_reward": "rewards",
    "plot_architecture": "plotting",
    "plot_search": "curves",
    "published": None,
    "smoothed": "tuner.smoothing",
    "text": None,
    "to_keras": "layers.stock",
    "training": None,
    "training_free": None,
}

__version__ = "0.1.0"
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'keras_enas' has no attribute '{name}'")
    home = _HOMES[name]
    if home is None:
        return importlib.import_module(f"keras_enas.{name}")
    return getattr(importlib.import_module(f"keras_enas.{home}"), name)


def __dir__():
    return sorted([*globals(), *_HOMES])
