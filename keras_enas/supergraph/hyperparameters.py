"""The `HyperParameters` with which `build(hp)` gives the weight-sharing network."""

import keras_tuner

from keras_enas.supergraph.index import Index
from keras_enas.supergraph.keyed import KeyedLayer
from keras_enas.supergraph.switches import InputSwitch, LooseEndsSwitch, OpSwitch, SkipSwitch


class SupergraphHyperParameters(keras_tuner.HyperParameters):
    """Answers every choice with a switch; other hyperparameters have their defaults."""

    def __init__(self):
        super().__init__()
        self.switch_maker = SwitchMaker(self)


class SwitchMaker:
    """Makes the switch layers of one `SupergraphHyperParameters`."""

    def __init__(self, hp):
        self._hp = hp

    def _position(self, decision):
        return list(self._hp.enas_decisions).index(decision.name)

    def op(self, decision, layers):
        return OpSwitch(decision, self._position(decision), layers)

    def input(self, decision, pass_on):
        return InputSwitch(decision, self._position(decision), pass_on)

    def loose_ends(self, decisions, layers):
        positions = [self._position(decision) for decision in decisions]
        return LooseEndsSwitch(decisions, positions, layers)

    def skip(self, decisions):
        return SkipSwitch(decisions, self._position(decisions[0]))

    def index(self, decision):
        return Index(decision, self._position(decision))

    def keyed(self, decisions, factory, only):
        positions = [self._position(decision) for decision in decisions]
        return KeyedLayer(decisions, positions, factory, only)
