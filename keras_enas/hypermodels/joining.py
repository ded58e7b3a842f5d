"""The output of a cell, made of some of its nodes."""

import keras

from keras_enas.choices import LooseEnds
from keras_enas.layers import BatchNormalization, FactorizedReduction, ReLUConvNorm


def check_join(join, num_blocks):
    """Checks an argument `join` of `HyperMicroCNN`.

    Args:
        join: `"loose_ends"`, `"all"`, or a dict from cell to indices of nodes.
        num_blocks: Integer, blocks of a cell, which has two nodes more.

    Returns:
        Dict from `"normal"` and `"reduction"` to a tuple of indices, or to None
        for loose ends.

    Raises:
        ValueError: If it is something else.
    """
    if join == "loose_ends":
        return {"normal": None, "reduction": None}
    if join == "all":
        join = dict.fromkeys(("normal", "reduction"), range(2, num_blocks + 2))
    nodes = [i for part in join.values() for i in part] if isinstance(join, dict) else []
    if (
        not isinstance(join, dict)
        or set(join) != {"normal", "reduction"}
        or not all(len(part) and len(set(part)) == len(part) for part in join.values())
        or not set(nodes) <= set(range(num_blocks + 2))
    ):
        raise ValueError(
            "`join` must be 'loose_ends', 'all', or a dict of different indices of nodes, such as "
            f"{{'normal': (0, 2, 3), 'reduction': (2, 3)}}, below {num_blocks + 2} for "
            f"{num_blocks} blocks. Received: join={join!r}."
        )
    return {cell: tuple(part) for cell, part in join.items()}


def summed(hp, names, nodes, join, filters):
    """Joins nodes by a 1x1 convolution each, a sum and a normalisation.

    Args:
        hp: The `keras_tuner.HyperParameters` given to `build(hp)`.
        names: List of the names of the cell's `InputChoice`s, under the current scope.
        nodes: List of `KerasTensor`s of one shape.
        join: Tuple of indices of nodes; None for those that nothing chose.
        filters: Integer, output channels.

    Returns:
        A `KerasTensor`.
    """

    def convolve():
        return ReLUConvNorm(filters, normalize=False)

    if join is None:
        joined = LooseEnds(hp, names, convolve)(nodes)
    else:
        ends = [convolve()(nodes[i]) for i in join]
        joined = keras.layers.Add()(ends) if len(ends) > 1 else ends[0]
    return BatchNormalization(momentum=0.9, epsilon=1e-5)(joined)


def concatenated(nodes, filters):
    """Joins nodes along their channels; a cell's inputs are halved before if it reduces.

    Args:
        nodes: List of `KerasTensor`s.
        filters: Integer, channels of each.

    Returns:
        A `KerasTensor`.
    """
    height = min(node.shape[1] for node in nodes)
    nodes = [
        FactorizedReduction(filters)(node) if node.shape[1] > height else node for node in nodes
    ]
    return keras.layers.Concatenate()(nodes) if len(nodes) > 1 else nodes[0]
