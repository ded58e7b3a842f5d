"""The controller: the LSTM policy of the paper, taught by REINFORCE."""

from keras_enas.controllers.controller import Controller
from keras_enas.controllers.lstm import LSTMPolicy
from keras_enas.controllers.settings import PROFILES, ControllerSettings

__all__ = ["PROFILES", "Controller", "ControllerSettings", "LSTMPolicy"]
