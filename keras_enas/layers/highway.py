"""The recurrent cell of ENAS over a whole sequence, its gradient written out.

TensorFlow's own gradient of such a loop keeps whatever each step computed and adds up the gradients
of the weights step by step. Here a step keeps three tensors a node, and the gradient of each matrix
is one product over all steps at the end. What follows from decisions (which node a node takes, its
activation, the loose ends) may be numbers, as in a child, or tensors, as in the supergraph.
"""

import tensorflow as tf

from keras_enas.layers.slots import Slots, TensorSlots


def _relu_gradient(y, dy):
    return tf.raw_ops.ReluGrad(gradients=dy, features=y)


def _sigmoid_gradient(y, dy):
    return tf.raw_ops.SigmoidGrad(y=y, dy=dy)


# Each with its gradient as a function of its output.
FUNCTIONS = {
    "tanh": (tf.tanh, lambda y, dy: tf.raw_ops.TanhGrad(y=y, dy=dy)),
    "relu": (tf.nn.relu, _relu_gradient),
    "identity": (tf.identity, lambda y, dy: dy),
    "sigmoid": (tf.sigmoid, _sigmoid_gradient),
}


def highway_sequence(inputs, state, kernels, decisions, training):
    """Runs the cell over a sequence.

    Args:
        inputs: Float tensor `(steps, streams, 2 units)`, the input's part of node 0.
        state: Float tensor `(streams, units)`, the state before the first step.
        kernels: List of float tensors `(units, 2 units)`, one a node.
        decisions: `Decisions`.
        training: Boolean, whether the gradient will be asked for. Without, nothing
            is kept for it; it is then TensorFlow's own, and slow.

    Returns:
        Tuple of the outputs `(steps, streams, units)` and the last of them. The
        gradient, by inputs, state and kernels, cannot be differentiated again.
    """
    if not training:
        outputs, last, _ = _forward(decisions, inputs, state, kernels, keep=False)
        return outputs, last

    @tf.custom_gradient
    def run(inputs, state, *kernels):
        outputs, last, kept = _forward(decisions, inputs, state, kernels, keep=True)

        def gradient(d_outputs, d_last):
            return _backward(decisions, d_outputs, d_last, kernels, kept)

        return (outputs, last), gradient

    return run(inputs, state, *kernels)


def _forward(decisions, inputs, state, kernels, keep):
    """The loop; `kept` has a source state, an `h` and a `c` for each node, and the factor."""
    steps, units = tf.shape(inputs)[0], state.shape[-1]

    def step(time, state, outputs, *kept):
        state, new = decisions.step(inputs[time], state, kernels)
        kept = [array.write(time, x) for array, x in zip(kept, new, strict=True)] if keep else []
        return time + 1, state, outputs.write(time, state), *kept

    widths = [units] * (1 + 3 * len(kernels) * keep) + [1] * keep
    arrays = [_array(steps, width, state.dtype) for width in widths]
    _, last, outputs, *kept = tf.while_loop(
        lambda time, *_: time < steps, step, (0, state, *arrays), maximum_iterations=steps
    )
    return outputs.stack(), last, kept


def _backward(decisions, d_outputs, d_last, kernels, kept):
    """Gradients by inputs, state and kernels; back-propagation through time."""
    steps, units = tf.shape(d_outputs)[0], d_outputs.shape[-1]
    nodes = range(len(kernels))

    def step(time, d_state, *d_zs):
        *of_nodes, factor = (array.read(time) for array in kept)
        d_state, new = decisions.step_back((d_state + d_outputs[time]) * factor, kernels, of_nodes)
        return time - 1, d_state, *(a.write(time, x) for a, x in zip(d_zs, new, strict=True))

    arrays = [_array(steps, 2 * units, d_last.dtype) for _ in nodes]
    _, d_state, *d_zs = tf.while_loop(
        lambda time, *_: time >= 0, step, (steps - 1, d_last, *arrays), maximum_iterations=steps
    )
    d_zs = [array.stack() for array in d_zs]
    d_kernels = [
        tf.matmul(
            tf.reshape(decisions.masked(kept[3 * i].stack()), (-1, units)),
            tf.reshape(d_zs[i], (-1, 2 * units)),
            transpose_a=True,
        )
        for i in nodes
    ]
    return d_zs[0], d_state, *d_kernels


class Decisions:
    """What was decided of a cell, as numbers or as tensors.

    Args:
        sources: List, for each node but the first the index of the node that it
            takes, an integer or an int32 scalar tensor.
        activations: List, for each node the index of its activation among
            `labels`, likewise.
        labels: List of keys of `FUNCTIONS`.
        ends: The nodes whose mean is the output: a list of integers; or an int32
            tensor `(ends,)`, which must be those that no other node takes.
        bound: Float or None, the largest root mean square of a state. The gradient
            takes the factor that it brings for a constant.
        mask: Float tensor `(streams, units)`, by which a state is multiplied
            before every matrix (variational dropout), or None.
    """

    def __init__(self, sources, activations, labels, ends, bound=None, mask=None):
        self.sources, self.activations, self.ends = map(_as_numbers, (sources, activations, ends))
        self.functions = [FUNCTIONS[label] for label in labels]
        self.bound = bound
        self.mask = mask
        numbers = all(isinstance(source, int) for source in self.sources)
        self._slots = Slots if numbers else TensorSlots
        # Where the gradient of each node's state is found.
        self._places = range(len(activations))
        if not isinstance(self.ends, list):
            self._places = _places(self.ends, len(activations))

    def step(self, inputs, state, kernels):
        """Runs the cell for one step.

        Node 0 takes the state `s` and the input, node i > 0 the state of an earlier
        node: `[a, b] = x + (s m) K`, `h = f(a)`, `c = sigmoid(b)`, `s_i = s + c (h - s)`
        (Pham et al. 2018, section 2.1, gates as in the released code, after
        Zilly et al. 2017; only node 0 has an `x`). The new state, and the output, is
        the mean of the `s_i` of `ends`, scaled down where its root mean square exceeds
        `bound`.

        Args:
            inputs: Float tensor `(streams, 2 units)`, the input's part of node 0.
            state: Float tensor `(streams, units)`, the state before.
            kernels: As in `highway_sequence`.

        Returns:
            Tuple of the new state `(streams, units)`, and what the gradient needs:
            for each node the state that it took, its `h` and its `c`, then the
            factor `(streams, 1)` by which the new state was scaled down.
        """
        states = self._slots(len(kernels), state)
        kept = []
        for i, kernel in enumerate(kernels):
            source = states.read(self.sources[i - 1]) if i else state
            z = tf.matmul(self.masked(source), kernel)
            if not i:
                z += inputs
            h, c = tf.split(z, 2, axis=1)
            h, c = self._activate(i, h), tf.sigmoid(c)
            states.write(i, source + c * (h - source))
            kept += [source, h, c]
        state, factor = self._bounded(states.mean(self.ends))
        return state, [*kept, factor]

    def step_back(self, d_state, kernels, kept):
        """The gradient of a step but for the factor.

        Args:
            d_state: The gradient by the new state before it was scaled down.
            kernels: As in `step`.
            kept: What `step` returned of the nodes.

        Returns:
            Tuple of the gradient by the state before, and a list of those by each
            node's `[a, b]`.
        """
        d_states = self._slots(len(kernels), d_state)
        d_states.spread(self.ends, d_state)
        d_zs = []
        for i in reversed(range(len(kernels))):
            source, h, c = kept[3 * i : 3 * i + 3]
            d_s = d_states.read(self._places[i])
            d_h = d_s * c
            d_a = self._activation_gradient(i, h, d_h)
            d_z = tf.concat([d_a, _sigmoid_gradient(c, d_s * (h - source))], 1)
            d_source = d_s - d_h + self.masked(tf.matmul(d_z, kernels[i], transpose_b=True))
            if i:
                d_states.add(self.sources[i - 1], d_source)
            d_zs.append(d_z)
        return d_source, d_zs[::-1]

    def masked(self, state):
        return state if self.mask is None else state * self.mask

    def _bounded(self, state):
        """The state, and the factor `(streams, 1)` by which it was scaled down."""
        if self.bound is None:
            return state, tf.ones_like(state[:, :1])
        square = tf.reduce_mean(tf.square(state), axis=1, keepdims=True)
        factor = tf.stop_gradient(self.bound * tf.math.rsqrt(tf.maximum(square, self.bound**2)))
        return state * factor, factor

    def _activate(self, node, x):
        return self._chosen(node, lambda functions: functions[0](x), x)

    def _activation_gradient(self, node, y, dy):
        return self._chosen(node, lambda functions: functions[1](y, dy), dy)

    def _chosen(self, node, call, like):
        index = self.activations[node]
        if isinstance(index, int):
            return call(self.functions[index])
        chosen = tf.switch_case(index, [lambda f=f: call(f) for f in self.functions])
        chosen.set_shape(like.shape)
        return chosen


def _array(size, units, dtype):
    return tf.TensorArray(dtype, size, element_shape=(None, units), clear_after_read=False)


def _places(ends, nodes):
    """A list of int32 scalars: that of `TensorSlots.spread` for an end, which no node takes."""
    last = tf.fill(tf.shape(ends), nodes)
    return tf.unstack(tf.tensor_scatter_nd_update(tf.range(nodes), ends[:, None], last))


def _as_numbers(values):
    """Where tensors have a value already, numbers do the same with less work."""
    return [int(x) for x in values] if tf.executing_eagerly() else values
