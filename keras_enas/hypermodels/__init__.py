"""Search spaces that come with the package, one a file."""

from keras_enas.hypermodels.macro import HyperMacroCNN

__all__ = ["HyperMacroCNN"]
