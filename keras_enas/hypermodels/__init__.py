"""Search spaces that come with the package, one a file."""

from keras_enas.hypermodels.macro import HyperMacroCNN
from keras_enas.hypermodels.micro import HyperMicroCNN

__all__ = ["HyperMacroCNN", "HyperMicroCNN"]
