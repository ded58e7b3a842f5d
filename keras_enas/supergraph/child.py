"""From the supergraph's weights to those of a standalone child.

Both were built by the same `build(hp)`, so their graphs are walked together
from the outputs back: where the supergraph has a switch, the child has what
the architecture chose.
"""

import keras

from keras_enas.search_space import unchosen
from keras_enas.supergraph.keyed import KeyedLayer
from keras_enas.supergraph.switches import InputSwitch, LooseEndsSwitch, OpSwitch, SkipSwitch

_SWITCHES = (OpSwitch, InputSwitch, SkipSwitch, LooseEndsSwitch, KeyedLayer)


def inherit(network, child, architecture):
    """Copies to a child the weights that the supergraph has for it.

    Args:
        network: The network of a supergraph, functional or sequential.
        child: What the same hypermodel built for `architecture`.
        architecture: An `Architecture`.

    Raises:
        ValueError: If the two do not correspond.
    """
    _walk(network, child, architecture.indices)


def _walk(network, child, indices):
    pending = list(zip(network.outputs, child.outputs, strict=True))
    seen = set()
    copied = set()
    while pending:
        shared, own = pending.pop()
        if (id(shared), id(own)) in seen:
            continue
        seen.add((id(shared), id(own)))
        operation, tensor_index, inputs = _origin(shared)
        passed = _passed_on(operation, tensor_index, inputs, indices)
        if passed is not None:
            pending.append((passed, own))
            continue
        own_operation, _, own_inputs = _origin(own)
        if isinstance(operation, LooseEndsSwitch):
            inputs, own_inputs = _copy_loose_ends(operation, inputs, own, indices)
        elif isinstance(operation, SkipSwitch):
            bits = indices[operation.position :]
            inputs = [inputs[0]] + [x for x, bit in zip(inputs[1:], bits, strict=False) if bit]
        elif (id(operation), id(own_operation)) not in copied:
            copied.add((id(operation), id(own_operation)))
            _copy(operation, own_operation, indices)
        if len(inputs) != len(own_inputs):
            raise ValueError(
                f"The child does not correspond to the supergraph at '{own_operation.name}'. "
                "`build(hp)` must build the same network whenever it is called."
            )
        pending.extend(zip(inputs, own_inputs, strict=True))


def _origin(tensor):
    history = tensor._keras_history
    node = history.operation._inbound_nodes[history.node_index]
    return history.operation, history.tensor_index, node.input_tensors


def _passed_on(operation, tensor_index, inputs, indices):
    """The input that a switch hands on as it is; None if it does something."""
    if isinstance(operation, InputSwitch):
        return inputs[tensor_index - 1 if tensor_index else indices[operation.position]]
    if isinstance(operation, SkipSwitch):
        if tensor_index:
            return inputs[tensor_index]
        chosen = indices[operation.position : operation.position + len(inputs) - 1]
        return None if any(chosen) else inputs[0]
    if isinstance(operation, KeyedLayer) and operation.row(indices) < 0:
        return inputs[0]
    return None


def _copy(operation, own, indices):
    if isinstance(operation, OpSwitch):
        index = indices[operation.position]
        _copy_with(operation.branches[index], operation.values_of(index), own, indices)
    elif isinstance(operation, KeyedLayer):
        _assign(operation.template, operation.values_of(operation.row(indices)), own, indices)
    elif isinstance(operation, keras.Layer):
        inner = [x for x in operation._flatten_layers() if isinstance(x, _SWITCHES)]
        if inner and isinstance(operation, keras.Model) and hasattr(operation, "outputs"):
            _walk(operation, own, indices)
        elif inner:
            _copy_parts(operation, own, indices)
        else:
            _assign(operation, {}, own, indices)


def _copy_with(layer, values, own, indices):
    """Copies a candidate, given the values that a switch keeps for it."""
    if isinstance(layer, KeyedLayer):
        # Its stack lies in the switch's bank; what is assigned in here would be forgotten.
        with keras.StatelessScope([(v, values[id(v)]) for v in layer.variables if id(v) in values]):
            values = layer.values_of(layer.row(indices))
        layer = layer.template
    _assign(layer, values, own, indices)


def _copy_loose_ends(operation, inputs, own, indices):
    """Copies the layers of the loose ends; returns their inputs there and in the child."""
    loose = unchosen([indices[position] for position in operation.positions], len(inputs))
    _, _, ends = _origin(own)
    ends = ends if len(loose) > 1 else [own]
    own_inputs = []
    for i, end in zip(loose, ends, strict=True):
        layer, _, (own_input,) = _origin(end)
        _copy_with(operation.branches[i], operation.values_of(i), layer, indices)
        own_inputs.append(own_input)
    return [inputs[i] for i in loose], own_inputs


def _copy_parts(layer, own, indices):
    """A user's layer that makes choices itself: its parts stand in the same order."""
    for mine, yours in zip(
        layer._trainable_variables + layer._non_trainable_variables,
        own._trainable_variables + own._non_trainable_variables,
        strict=True,
    ):
        yours.assign(_row(mine, mine.value, indices))
    for mine, yours in zip(layer._layers, own._layers, strict=True):
        _copy(mine, yours, indices)


def _assign(layer, values, own, indices):
    mine = [_row(v, values.get(id(v), v.value), indices) for v in layer.variables]
    shapes = [tuple(value.shape) for value in mine]
    if shapes != [tuple(v.shape) for v in own.variables]:
        raise ValueError(
            f"The weights of '{own.name}' in the child do not correspond to those of "
            f"'{layer.name}' in the supergraph: {[tuple(v.shape) for v in own.variables]} "
            f"against {shapes}."
        )
    for value, yours in zip(mine, own.variables, strict=True):
        yours.assign(value)


def _row(variable, value, indices):
    """What a child has of a weight: all of it, or the row of a `KeyedWeight`."""
    keyed = getattr(variable, "keyed_by", None)
    if keyed is None:
        return value
    return value[keyed.row([indices[index.position] for index in keyed.indices])]
