"""Candidate operations and their companions as Keras layers, one kind a file."""

from keras_enas.layers.convolution import ConvNormActivation, NormActivation
from keras_enas.layers.highway_cell import HighwayCell
from keras_enas.layers.keyed_weight import KeyedWeight, read
from keras_enas.layers.normalization import BatchNormalization
from keras_enas.layers.pooling import MaxPooling2D
from keras_enas.layers.preactivation import ReLUConvNorm
from keras_enas.layers.recurrent import Recurrent
from keras_enas.layers.reduction import FactorizedReduction
from keras_enas.layers.regularization import ActivationRegularization, DropPath
from keras_enas.layers.word_dropout import WordDropout
from keras_enas.layers.zeros import Zeros

__all__ = [
    "ActivationRegularization",
    "BatchNormalization",
    "ConvNormActivation",
    "DropPath",
    "FactorizedReduction",
    "HighwayCell",
    "KeyedWeight",
    "MaxPooling2D",
    "NormActivation",
    "ReLUConvNorm",
    "Recurrent",
    "WordDropout",
    "Zeros",
    "read",
]
