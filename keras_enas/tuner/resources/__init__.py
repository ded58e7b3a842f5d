"""What architectures cost, and a search that minds it: target, limit, trade-off."""

from keras_enas.tuner.resources.latency import Latency
from keras_enas.tuner.resources.resources import COST_ARGUMENTS, NoneNear, Resources

__all__ = ["COST_ARGUMENTS", "Latency", "NoneNear", "Resources"]
