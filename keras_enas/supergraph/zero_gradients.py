"""Where a gradient of zeros need not be made.

What a block took is no loose end, so nothing is learned through its place in `LooseEnds`. For
TensorFlow that is a gradient of zeros, of the size of the images, to be written and to be added to.
It is left out where the block's `InputChoice` passed the tensor on and is certain to see the gap.
"""

from keras_enas.supergraph.graph import key_of, node_of, nodes_of, takers_of
from keras_enas.supergraph.switches import InputSwitch, LooseEndsSwitch


def leave_out_zero_gradients(network):
    """Tells the switches of a network between which a gradient may be missing.

    Args:
        network: The network of a supergraph, functional or sequential.
    """
    takers = takers_of(network)
    for node in nodes_of(network):
        loose = node.operation
        if not isinstance(loose, LooseEndsSwitch) or len(loose._inbound_nodes) != 1:
            continue
        for i, tensor in enumerate(node.input_tensors[:-1]):
            if None in tensor.shape[1:]:
                continue
            chain = _passed_on_by(tensor, takers)
            choosing = {switch.position for switch, place in chain if place == i}
            if set(loose.positions_offering(i)) <= choosing:
                loose.without_zeros.add(i)
                for switch, _ in chain:
                    switch.may_miss = True


def _passed_on_by(tensor, takers):
    """The `InputSwitch`es that passed a tensor on, the last one first, and its place in each.

    It ends where the tensor is taken by another layer, too, whose gradient would be added.
    """
    chain = []
    while True:
        node, place = node_of(tensor), tensor._keras_history.tensor_index - 1
        switch = node.operation
        if (
            not isinstance(switch, InputSwitch)
            or not switch.pass_on
            or place < 0
            or takers[key_of(tensor)] > 1
            or len(switch._inbound_nodes) != 1
        ):
            return chain
        chain.append((switch, place))
        tensor = node.input_tensors[place]
