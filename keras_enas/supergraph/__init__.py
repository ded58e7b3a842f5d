"""The weight-sharing network: its step, its scores, its children."""

from keras_enas.supergraph.child import inherit
from keras_enas.supergraph.parts import parts_of, with_calls
from keras_enas.supergraph.scoring import Scorer
from keras_enas.supergraph.statistics import batch_statistics, recalibrate
from keras_enas.supergraph.supergraph import Supergraph
from keras_enas.supergraph.switches import OpSwitch

__all__ = [
    "OpSwitch",
    "Scorer",
    "Supergraph",
    "batch_statistics",
    "inherit",
    "parts_of",
    "recalibrate",
    "with_calls",
]
