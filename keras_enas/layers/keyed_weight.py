"""Decisions as numbers inside a layer, and weights that belong to them.

A switch stands between layers. Inside a layer, say in the loop of a recurrent network, there is no
place for one: there the layer needs the index of what was chosen. `IndexChoice` gives it, and these
two are what a layer does with it.
"""

import math

import keras
import numpy as np
import tensorflow as tf


def read(index):
    """Reads what `IndexChoice` gave, when the layer is called.

    Args:
        index: An integer (in a child), or the supergraph's index.

    Returns:
        An integer (in a child, or where there is one candidate only), or an int32
        scalar tensor that follows the architecture.
    """
    return index.read() if hasattr(index, "read") else index


class KeyedWeight:
    """A weight that a layer has once for each candidate of a decision.

    Made in the layer's `build`. A child's layer gets one weight of the given
    shape. In the supergraph it is a stack of them, from which `read` gathers the
    row of the current architecture; its gradient is sparse, the row alone. A
    child inherits its row.

    Args:
        layer: The layer being built.
        index: What `IndexChoice` gave, or a list of such: then every
            combination of their candidates has a weight.
        shape: Tuple, of one weight.
        initializer: A `keras.initializers.Initializer`; every row is drawn anew.
        name: String.
        **kwargs: Further arguments of `add_weight`.
    """

    def __init__(self, layer, index, shape, initializer, name, **kwargs):
        indices = index if isinstance(index, (list, tuple)) else [index]
        self.indices = [one for one in indices if hasattr(one, "read")]
        initializer = keras.initializers.get(initializer)
        if not self.indices:
            self.variable = layer.add_weight(
                name=name, shape=shape, initializer=initializer, **kwargs
            )
            return
        rows = math.prod(one.num_candidates for one in self.indices)
        values = np.stack([np.array(another(initializer)(shape)) for _ in range(rows)])
        self.variable = layer.add_weight(
            name=name,
            shape=values.shape,
            initializer=lambda shape, dtype: keras.ops.cast(values, dtype),
            **kwargs,
        )
        # By this a child finds its row.
        self.variable.keyed_by = self

    def row(self, values):
        """Returns the row for given candidates, one integer or tensor for each index."""
        row = 0
        for index, value in zip(self.indices, values, strict=True):
            row = row * index.num_candidates + value
        return row

    def read(self):
        """Returns the weight as a tensor, in the supergraph that of the current architecture."""
        if not self.indices:
            return tf.convert_to_tensor(self.variable)
        return tf.gather(self.variable.value, self.row([one.read() for one in self.indices]))


def another(initializer):
    """Returns an initializer that draws something else: one with a seed draws the same each time.

    Args:
        initializer: A `keras.initializers.Initializer`.
    """
    config = initializer.get_config()
    if "seed" not in config:
        return initializer
    return type(initializer).from_config({**config, "seed": None})
