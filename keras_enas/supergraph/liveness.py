"""What an architecture does not need at all.

Where an `InputChoice` takes another tensor and no skip is taken, a layer's output goes nowhere. In
a child Keras leaves such a layer out of the graph. The supergraph has all layers, so it works out
from the architecture which are needed, and runs the others no more than the child does.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from keras_enas.layers.pooling import quicken
from keras_enas.supergraph.candidates import makes_losses
from keras_enas.supergraph.graph import key_of, nodes_of
from keras_enas.supergraph.scope import needed_by_scope
from keras_enas.supergraph.switches import InputSwitch, OpSwitch, SkipSwitch, dead

# A need is None (always), or a frozenset of terms of which one must hold: (position, value, need),
# the architecture has that value at that position, and that other need holds.
NEVER = frozenset()


class Liveness:
    """Works out which operations of a network an architecture needs, and guards the others.

    Args:
        network: The network of a supergraph, functional or sequential. Its
            operations are changed: called within a scope that says so, they
            are passed over.
    """

    def __init__(self, network):
        needs = {}
        for node, need in _needs(network):
            operation = node.operation
            if need is None or isinstance(operation, InputSwitch):
                continue
            needs[id(operation)] = need
            if not isinstance(operation, (OpSwitch, SkipSwitch)):
                _guard(operation, node.output_tensors[0])
        levels = {}
        for need in needs.values():
            _collect(need, levels)
        self._order = {None: 0}
        self._levels = []
        for level in range(1, max(levels.values(), default=0) + 1):
            members = [need for need in levels if levels[need] == level]
            self._levels.append(self._as_arrays(members))
            for need in members:
                self._order[need] = len(self._order)
        self._places = {key: self._order[need] for key, need in needs.items()}

    def _as_arrays(self, needs):
        """Terms of needs as arrays `(needs, terms)`: position, value, place of the other need."""
        width = max([1, *map(len, needs)])
        arrays = np.zeros((3, len(needs), width), "int32")
        # No candidate has a negative index: such a term never holds.
        arrays[1] = -1
        for row, need in enumerate(needs):
            for column, (position, value, other) in enumerate(need):
                arrays[:, row, column] = position, value, self._order[other]
        return arrays

    def needed(self, architecture):
        """Evaluates all needs for an architecture.

        Args:
            architecture: int32 tensor `(decisions,)`.

        Returns:
            Dict from `id(operation)` to a boolean scalar; operations that are
            always needed are not in it.
        """
        if not self._places:
            return {}
        # Conditionals read them on the host.
        with tf.device("CPU:0"):
            held = tf.constant([True])
            for positions, values, others in self._levels:
                chosen = tf.equal(tf.gather(architecture, positions), values)
                terms = tf.logical_and(chosen, tf.gather(held, others))
                held = tf.concat([held, tf.reduce_any(terms, axis=1)], 0)
            held = tf.unstack(held, len(self._order))
        return {key: held[place] for key, place in self._places.items()}


def _needs(network):
    """Yields the nodes of a network, consumers first, each with its need."""
    nodes = nodes_of(network)
    counts = {}
    for node in nodes:
        counts[id(node.operation)] = counts.get(id(node.operation), 0) + 1
    uses = {key_of(tensor): None for tensor in network.outputs}

    def use(tensor, need):
        uses[key_of(tensor)] = _either(uses.get(key_of(tensor), NEVER), need)

    for node in nodes:
        operation, inputs = node.operation, node.input_tensors
        if node.is_input:
            continue
        needs = [uses.get(key_of(tensor), NEVER) for tensor in node.output_tensors]
        need = needs[0]
        if isinstance(operation, InputSwitch):
            for i, tensor in enumerate(inputs):
                use(tensor, _if_chosen(operation.position, i, need))
                if operation.pass_on:
                    use(tensor, needs[i + 1])
        elif isinstance(operation, SkipSwitch):
            use(inputs[0], need)
            for i, tensor in enumerate(inputs[1:]):
                use(tensor, _if_chosen(operation.position + i, 1, need))
                use(tensor, needs[i + 1])
        else:
            if counts[id(operation)] > 1 or not _may_be_passed_over(node):
                need = None
            for tensor in inputs:
                use(tensor, need)
        yield node, need


def _either(one, other):
    return None if one is None or other is None else one | other


def _if_chosen(position, value, need):
    return NEVER if need == NEVER else frozenset([(position, value, need)])


def _may_be_passed_over(node):
    """Whether an operation can stand in a conditional, and what it gives can be left out."""
    if len(node.output_tensors) != 1:
        return False
    batch, *rest = node.output_tensors[0].shape or (1,)
    if batch is not None or None in rest:
        return False
    return not makes_losses(node.operation)


def _guard(operation, output):
    if isinstance(operation, keras.Layer):
        quicken(operation)
    call = operation.call

    @functools.wraps(call)
    def guarded(*args, **kwargs):
        needed = needed_by_scope(operation)
        if needed is None:
            return call(*args, **kwargs)
        return tf.cond(needed, lambda: call(*args, **kwargs), lambda: dead(output))

    operation.call = guarded


def _collect(need, levels):
    """Notes the level of a need: one above the highest that its terms depend on."""
    if need is None:
        return 0
    if need not in levels:
        levels[need] = 1 + max([_collect(other, levels) for _, _, other in need], default=0)
    return levels[need]
