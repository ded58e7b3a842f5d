"""Initial values for many copies of a layer, of which one is built.

Making a variable costs a millisecond, and a supergraph of cells has thousands of rows in its
stacks. So the layer is built once, its initializers are written down meanwhile, and the other rows
are drawn from them.
"""

import keras
import numpy as np

from keras_enas.layers.keyed_weight import another
from keras_enas.supergraph.likeness import is_known


class Initializers:
    """Remembers by which initializer each weight of a layer began.

    Made before the layer is built.

    Args:
        layer: A layer that is not built.
    """

    def __init__(self, layer):
        self._layer = layer
        self._of = {}
        self._watched = layer._flatten_layers()
        for part in self._watched:
            part.add_weight = self._remembering(part.add_weight)

    def _remembering(self, add_weight):
        def add_and_remember(*args, **kwargs):
            variable = add_weight(*args, **kwargs)
            # Keras takes it as the second of the positional ones, too.
            self._of[id(variable)] = kwargs.get("initializer", args[1] if len(args) > 1 else None)
            return variable

        return add_and_remember

    def end(self):
        """Gives the layers their own methods back; called when the layer is built."""
        for part in self._watched:
            del part.add_weight

    def draw(self, variables):
        """Draws new initial values.

        Args:
            variables: List of variables of the layer.

        Returns:
            List of arrays, or None if it is not known how one of the variables began.
        """
        if not is_known(self._layer):
            return None
        initializers = [keras.initializers.get(self._of.get(id(v))) for v in variables]
        if not all(isinstance(i, keras.initializers.Initializer) for i in initializers):
            return None
        return [
            np.array(another(i)(tuple(v.shape), dtype=v.dtype))
            for i, v in zip(initializers, variables, strict=True)
        ]
