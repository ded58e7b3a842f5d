"""Training what was found as the paper does: recipes, and what they are made of."""

from keras_enas.layers.regularization import ActivationRegularization, DropPath
from keras_enas.training.augmentation import Cutout, RandomShift
from keras_enas.training.auxiliary import AuxiliaryModel, main_network
from keras_enas.training.averaging import AveragedSGD
from keras_enas.training.optimizer import L2SGD
from keras_enas.training.recipe import Recipe
from keras_enas.training.recipes import (
    macro,
    macro_small,
    micro,
    micro_cutout,
    micro_small,
    recurrent,
    recurrent_small,
)
from keras_enas.training.schedule import cosine_restarts, cycle_ends

__all__ = [
    "L2SGD",
    "ActivationRegularization",
    "AuxiliaryModel",
    "AveragedSGD",
    "Cutout",
    "DropPath",
    "RandomShift",
    "Recipe",
    "cosine_restarts",
    "cycle_ends",
    "macro",
    "macro_small",
    "main_network",
    "micro",
    "micro_cutout",
    "micro_small",
    "recurrent",
    "recurrent_small",
]
