"""The graph of a Keras network: who makes which tensor, and who takes it."""


def nodes_of(network):
    """Every node that the outputs depend on, each before those that it depends on."""
    order, seen = [], set()
    pending = [(node_of(tensor), False) for tensor in network.outputs]
    while pending:
        node, left = pending.pop()
        if left:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            pending.append((node, True))
            pending += [(node_of(tensor), False) for tensor in node.input_tensors]
    return order[::-1]


def node_of(tensor):
    """The node that makes a tensor."""
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def key_of(tensor):
    """Equal for two tensors that are one, and hashable."""
    history = tensor._keras_history
    return id(history.operation), history.node_index, history.tensor_index


def takers_of(network):
    """Returns a dict from the key of each tensor to how often it is taken; an output counts."""
    takers = {}
    taken = [tensor for node in nodes_of(network) for tensor in node.input_tensors]
    for tensor in [*taken, *network.outputs]:
        takers[key_of(tensor)] = takers.get(key_of(tensor), 0) + 1
    return takers
