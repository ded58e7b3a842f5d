"""Search spaces that come with the package, one a file."""

from keras_enas.hypermodels.language_model import LanguageModel
from keras_enas.hypermodels.macro import HyperMacroCNN
from keras_enas.hypermodels.micro import HyperMicroCNN
from keras_enas.hypermodels.nasbench201 import HyperNASBench201
from keras_enas.hypermodels.recurrent import HyperRecurrentLM

__all__ = [
    "HyperMacroCNN",
    "HyperMicroCNN",
    "HyperNASBench201",
    "HyperRecurrentLM",
    "LanguageModel",
]
