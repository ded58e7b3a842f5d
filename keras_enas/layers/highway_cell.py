"""The recurrent cell of ENAS as a Keras cell."""

import numbers

import keras
import tensorflow as tf

from keras_enas.layers.highway import FUNCTIONS, Decisions
from keras_enas.layers.keyed_weight import KeyedWeight, read

ACTIVATIONS = tuple(FUNCTIONS)
OUTPUTS = ("loose_ends", "all")


@keras.saving.register_keras_serializable(package="keras_enas")
class HighwayCell(keras.layers.Layer):
    """A recurrent cell of nodes with highway gates: an architecture of ENAS's recurrent space.

    Node 0 computes `h = f(x V + s W)` with the cell's input `x` and its last
    state `s`, node i > 0 `h = f(s_j W)` with the state of an earlier node j. A
    gate `c`, a sigmoid of the same product with other columns, mixes it with
    what it came from: `s_i = s_j + c (h - s_j)`. The new state, which is also the
    output, is the mean of the nodes that no other takes (Pham et al. 2018,
    section 2.1; gates as in the released code).

    It is a Keras RNN cell: `keras.layers.RNN(cell)` runs it. `Recurrent(cell)`
    computes the same, faster.

    Args:
        units: Integer.
        nodes: Sequence of `(source, activation)`, one for each node but the
            first: the index of an earlier node, counted from 0, and the index
            of an activation. Each may be what `IndexChoice` gave; the matrix of
            a node is then keyed by its source.
        first: The index of the first node's activation, likewise.
        activations: Tuple of labels out of `tanh`, `relu`, `identity`,
            `sigmoid`: what the index of an activation means.
        output: `"loose_ends"` (paper), or `"all"`: the mean of all nodes but the
            first (google-research's enas_lm, in its search).
        keyed_by_activation: Boolean, whether the supergraph has a matrix for
            each source and activation (released code) or for each source (paper).
        bound: Float or None: a state whose root mean square exceeds it is scaled
            down to it. Nodes of ReLU and identity alone would grow from step to
            step without end; 1 is what no state of tanh and sigmoid exceeds.
        kernel_initializer: As in `keras.layers.Dense`.
        **kwargs: As in `keras.layers.Layer`.

    Raises:
        ValueError: If an argument does not fit.
    """

    def __init__(
        self,
        units,
        nodes,
        first=0,
        activations=ACTIVATIONS,
        output="loose_ends",
        keyed_by_activation=False,
        bound=1.0,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        # The rows of stacks are cast, not the stacks.
        super().__init__(autocast=False, **kwargs)
        nodes = tuple(tuple(map(_index, node)) for node in nodes)
        first, activations = _index(first), check_activations(activations)
        _check(units, nodes, first, activations, output, bound)
        self.units = units = int(units)
        self.nodes = nodes
        self.first = first
        self.activations = activations
        self.output_mode = output
        self.keyed_by_activation = keyed_by_activation
        self.bound = bound
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.state_size = units
        self.output_size = units

    def build(self, input_shape):
        shape = (self.units, 2 * self.units)
        self.input_kernel = self.add_weight(
            name="input_kernel",
            shape=(input_shape[-1], 2 * self.units),
            initializer=self.kernel_initializer,
        )
        # A weight a node, so that the optimizer and a child see what a node has.
        self._kernels = [
            KeyedWeight(self, index, shape, self.kernel_initializer, f"kernel_{i}")
            for i, index in enumerate([[], *(self._keys(node) for node in self.nodes)])
        ]

    def _keys(self, node):
        return list(node) if self.keyed_by_activation else node[:1]

    def project(self, inputs):
        """The input's part of node 0, `(..., features)` to `(..., 2 units)`."""
        kernel = tf.cast(self.input_kernel.value, self.compute_dtype)
        return tf.linalg.matmul(tf.cast(inputs, self.compute_dtype), kernel)

    def kernels(self):
        """List of the matrices `(units, 2 units)`, one a node, of the current architecture."""
        return [tf.cast(kernel.read(), self.compute_dtype) for kernel in self._kernels]

    def decisions(self, mask=None):
        """Reads what was decided.

        Args:
            mask: As in `Decisions`.

        Returns:
            `Decisions`.
        """
        sources = [read(source) for source, _ in self.nodes]
        if self.output_mode == "all":
            ends = list(range(1, len(sources) + 1))
        else:
            ends = _loose_ends(sources)
        return Decisions(
            sources,
            [read(self.first), *(read(activation) for _, activation in self.nodes)],
            self.activations,
            ends,
            self.bound,
            mask,
        )

    def call(self, inputs, states):
        """One step: `(streams, features)` and a list of one state `(streams, units)`."""
        state = states[0] if isinstance(states, (list, tuple)) else states
        state = tf.cast(state, self.compute_dtype)
        state, _ = self.decisions().step(self.project(inputs), state, self.kernels())
        return state, [state]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "nodes": [[_number(source), _number(activation)] for source, activation in self.nodes],
            "first": _number(self.first),
            "activations": list(self.activations),
            "output": self.output_mode,
            "bound": self.bound,
            "keyed_by_activation": self.keyed_by_activation,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def _loose_ends(sources):
    """The nodes that no other takes, as a list or an int32 tensor."""
    nodes = len(sources) + 1
    if all(isinstance(source, int) for source in sources):
        return [node for node in range(nodes) if node not in sources]
    taken = tf.reduce_any(tf.one_hot(tf.stack(sources), nodes, True, False), axis=0)
    return tf.cast(tf.where(~taken)[:, 0], tf.int32)


def _index(index):
    """An integer as Python's own, or what has a `read`."""
    if hasattr(index, "read"):
        return index
    if isinstance(index, numbers.Integral) and not isinstance(index, bool):
        return int(index)
    raise ValueError(
        f"`nodes` and `first` must be integers, or what `IndexChoice` gave. Received: {index!r}."
    )


def _number(index):
    if isinstance(index, int):
        return index
    raise ValueError(
        "The cell of a supergraph has no config: it is of all architectures. Build a child, "
        "`hypermodel.build(architecture.to_hyperparameters())`, and save that."
    )


def check_activations(activations):
    """Checks labels of activations; returns them as a tuple."""
    activations = tuple(activations)
    unknown = [label for label in activations if label not in ACTIVATIONS]
    if unknown or not activations or len(set(activations)) < len(activations):
        raise ValueError(
            f"`activations` must be some of {list(ACTIVATIONS)}, each once. "
            f"Received: activations={activations!r}."
        )
    return activations


def _check(units, nodes, first, activations, output, bound):
    if isinstance(units, bool) or not isinstance(units, numbers.Integral) or units < 1:
        raise ValueError(f"`units` must be a positive integer. Received: units={units!r}.")
    if output not in OUTPUTS:
        raise ValueError(f"`output` must be one of {OUTPUTS}. Received: output={output!r}.")
    if output == "all" and not nodes:
        raise ValueError('`output="all"` is the mean of `nodes`, but there are none.')
    if bound is not None and not bound > 0:
        raise ValueError(f"`bound` must be positive or None. Received: bound={bound!r}.")
    if any(len(node) != 2 for node in nodes):
        raise ValueError(f"`nodes` must be pairs (source, activation). Received: {nodes!r}.")
    for number, (source, _) in enumerate(nodes, 1):
        if isinstance(source, int) and not 0 <= source < number:
            raise ValueError(
                f"`nodes[{number - 1}]` must take one of the {number} nodes before it, 0 to "
                f"{number - 1}. Received: source={source}."
            )
    for index in (first, *(activation for _, activation in nodes)):
        if isinstance(index, int) and not 0 <= index < len(activations):
            raise ValueError(
                f"`nodes` and `first`: an activation is an index 0 to {len(activations) - 1}. "
                f"Received: {index}."
            )
