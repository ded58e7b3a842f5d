"""The recurrent cell of ENAS as Keras layers."""

import numbers

import keras
import tensorflow as tf

from keras_enas.layers.carry import Memory, carried_by_scope
from keras_enas.layers.highway import (
    FUNCTIONS,
    Decisions,
    highway_sequence,
    highway_step,
)
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
        first, activations = _index(first), tuple(activations)
        _check(units, nodes, first, activations, output, bound)
        self.units = units
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
        state = highway_step(self.project(inputs), state, self.kernels(), self.decisions())
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


@keras.saving.register_keras_serializable(package="keras_enas")
class Recurrent(keras.layers.Layer):
    """Runs a `HighwayCell` over sequences `(streams, steps, features)`.

    It reads the decisions and gathers the matrices once, before the loop over
    the steps. Its output is `(streams, steps, units)`. Within `carrying` it goes
    on from the state in which it left off, as `LanguageModel` has it.

    Args:
        cell: A `HighwayCell`.
        dropout: Float, the share of a state that is dropped before every matrix
            of a node, the same units in all nodes and steps of a batch
            (variational dropout, Gal and Ghahramani 2016).
        kernel_l2: Float; while training, this times the sum of squares of the
            cell's matrices is added to the loss. Of the supergraph's, those of
            the current architecture alone count, as they do in its child.
        seed: Optional integer, of the dropout.
        **kwargs: As in `keras.layers.Layer`.
    """

    def __init__(self, cell, dropout=0.0, kernel_l2=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(cell, HighwayCell):
            raise ValueError(f"`cell` must be a HighwayCell. Received: cell={cell!r}.")
        if not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must lie in [0, 1). Received: dropout={dropout!r}.")
        if not kernel_l2 >= 0:
            raise ValueError(f"`kernel_l2` must not be negative. Received: {kernel_l2!r}.")
        self.cell = cell
        self.dropout = dropout
        self.kernel_l2 = kernel_l2
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed) if dropout else None
        # The state that it keeps has no fixed number of streams, which XLA could not do.
        self.supports_jit = False

    def build(self, input_shape):
        if len(input_shape) != 3:
            raise ValueError(
                "`Recurrent` takes (streams, steps, features). "
                f"Received an input of shape {tuple(input_shape)}."
            )
        # A cell that was loaded is built already.
        if not self.cell.built:
            self.cell.build((input_shape[0], *input_shape[2:]))
        with tf.init_scope():
            self.memory = Memory(self.cell.units, self.compute_dtype)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor((*inputs.shape[:2], self.cell.units), self.compute_dtype)

    def call(self, inputs, training=False):
        streams = tf.shape(inputs)[0]
        kernels = self.cell.kernels()
        mask = None
        if training and self.dropout:
            ones = tf.ones((streams, self.cell.units), self.compute_dtype)
            mask = keras.random.dropout(ones, self.dropout, seed=self.seed_generator)
        memory = carried_by_scope(self)
        if memory is None:
            state = tf.zeros((streams, self.cell.units), self.compute_dtype)
        else:
            state = memory.read(streams)
        outputs, state = highway_sequence(
            self.cell.project(tf.transpose(inputs, (1, 0, 2))),
            state,
            kernels,
            self.cell.decisions(mask),
            training,
        )
        if memory is not None:
            memory.write(state)
        if training and self.kernel_l2:
            matrices = [tf.convert_to_tensor(self.cell.input_kernel), *kernels]
            squares = [tf.reduce_sum(tf.square(tf.cast(k, "float32"))) for k in matrices]
            self.add_loss(self.kernel_l2 * tf.add_n(squares))
        return tf.transpose(outputs, (1, 0, 2))

    def get_config(self):
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell),
            "dropout": self.dropout,
            "kernel_l2": self.kernel_l2,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("cell")), **config)


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


def _check(units, nodes, first, activations, output, bound):
    if not isinstance(units, int) or units < 1:
        raise ValueError(f"`units` must be a positive integer. Received: units={units!r}.")
    unknown = [label for label in activations if label not in FUNCTIONS]
    if unknown or not activations or len(set(activations)) < len(activations):
        raise ValueError(
            f"`activations` must be some of {list(FUNCTIONS)}, each once. "
            f"Received: activations={activations!r}."
        )
    if output not in OUTPUTS or (output == "all" and not nodes):
        raise ValueError(f"`output` must be one of {OUTPUTS}. Received: output={output!r}.")
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
