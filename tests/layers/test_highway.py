"""The recurrent cell: against a hand-written NumPy one, and its gradient against TensorFlow's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.layers import HighwayCell, Recurrent
from keras_enas.layers.highway import Decisions, highway_sequence

ORDER = ("tanh", "relu", "identity", "sigmoid")
# (source, activation) of nodes 1, 2 and so on; activation of node 0.
CELLS = {
    "chain": (0, [(0, 1), (1, 3), (2, 2)]),
    "fan": (2, [(0, 0), (0, 1), (0, 3)]),
    "mixed": (3, [(0, 2), (0, 0), (1, 1), (1, 1), (3, 3)]),
    "two": (1, [(0, 0)]),
}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


NUMPY = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0), "identity": lambda x: x}
NUMPY["sigmoid"] = sigmoid


def by_hand(x, s, weights, first, nodes, output="loose_ends", bound=None, order=ORDER):
    """One step in NumPy: `x` (streams, features), `s` (streams, units)."""
    units = s.shape[1]
    input_kernel, *kernels = weights

    def highway(z, before, activation):
        h, c = NUMPY[order[activation]](z[:, :units]), sigmoid(z[:, units:])
        return before + c * (h - before)

    states = [highway(x @ input_kernel + s @ kernels[0], s, first)]
    for (source, activation), kernel in zip(nodes, kernels[1:], strict=True):
        states.append(highway(states[source] @ kernel, states[source], activation))
    taken = {source for source, _ in nodes}
    ends = [state for i, state in enumerate(states) if i not in taken]
    new = np.mean(ends if output == "loose_ends" else states[1:], axis=0)
    if bound is not None:
        size = np.sqrt(np.mean(new**2, axis=1, keepdims=True))
        new = new * np.minimum(1, bound / size)
    return new


def run_by_hand(x, weights, *args, **kwargs):
    """Outputs `(streams, steps, units)`, from zeros."""
    s, outputs = np.zeros((len(x), weights[1].shape[0])), []
    for t in range(x.shape[1]):
        s = by_hand(x[:, t], s, weights, *args, **kwargs)
        outputs.append(s)
    return np.stack(outputs, 1)


def sequences(streams=3, steps=5, features=2, scale=1.0):
    rng = np.random.default_rng(0)
    return scale * rng.normal(size=(streams, steps, features)).astype("float32")


def layer_of(name, units=4, kernel_l2=0.0, dropout=0.0, **kwargs):
    first, nodes = CELLS[name]
    cell = HighwayCell(units, nodes, first, kernel_initializer="random_normal", **kwargs)
    layer = Recurrent(cell, dropout, kernel_l2, seed=1)
    layer.build((None, None, 2))
    for i, weight in enumerate(layer.trainable_variables):
        weight.assign(np.random.default_rng(i).normal(size=weight.shape))
    return layer, (first, nodes)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("output", ["loose_ends", "all"])
def test_a_sequence_is_as_by_hand(name, output):
    x = sequences()
    for bound in (None, 0.3):
        layer, decisions = layer_of(name, output=output, bound=bound)
        expected = run_by_hand(x, layer.get_weights(), *decisions, output, bound)
        np.testing.assert_allclose(np.array(layer(x)), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            np.array(layer(x, training=True)), expected, rtol=1e-4, atol=1e-5
        )
    if bound is not None:
        assert np.sqrt((expected**2).mean(-1)).max() == pytest.approx(bound)


def test_the_order_of_activations_is_what_their_indices_mean():
    order = ("sigmoid", "tanh", "identity")
    cell = HighwayCell(4, [(0, 2), (1, 0)], first=1, activations=order, bound=None)
    layer = Recurrent(cell)
    x = sequences()
    outputs = np.array(layer(x))
    expected = run_by_hand(x, layer.get_weights(), 1, [(0, 2), (1, 0)], order=order)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_each_decision_changes_the_output():
    x = sequences()
    found = set()
    for nodes in ([(0, 0), (0, 0)], [(0, 0), (1, 0)], [(0, 1), (1, 0)], [(0, 2), (1, 3)]):
        for first in range(4):
            layer = Recurrent(HighwayCell(4, nodes, first))
            layer.build((None, None, 2))
            for i, weight in enumerate(layer.trainable_variables):
                weight.assign(np.random.default_rng(i).normal(size=weight.shape))
            found.add(np.array(layer(x)).round(4).tobytes())
    assert len(found) == 16


@pytest.mark.parametrize("name", CELLS)
def test_keras_own_recurrent_layer_runs_the_cell(name):
    layer, _ = layer_of(name)
    x = sequences()
    stock = keras.layers.RNN(layer.cell, return_sequences=True)
    np.testing.assert_allclose(np.array(stock(x)), np.array(layer(x)), rtol=1e-5, atol=1e-6)


def gradients(x, state, mask, kernels, decisions, training, graph):
    first, nodes = decisions
    sources, activations = [j for j, _ in nodes], [first, *(f for _, f in nodes)]
    ends = [i for i in range(len(kernels)) if i not in sources]

    def run(x, state, *kernels):
        with tf.GradientTape() as tape:
            tape.watch([x, state, *kernels])
            decided = Decisions(sources, activations, ORDER, ends, 0.5, mask)
            outputs, last = highway_sequence(x, state, list(kernels), decided, training)
            # Weighted, so that no two gradients agree by chance; the last state counts too.
            weights = tf.reshape(tf.range(tf.size(outputs), dtype=x.dtype), tf.shape(outputs))
            loss = tf.reduce_sum(outputs * tf.sin(weights)) + tf.reduce_sum(tf.square(last))
        return tape.gradient(loss, [x, state, *kernels])

    if graph:
        run = tf.function(run, autograph=False)
    return [np.array(g) for g in run(x, state, *kernels)]


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("masked", [False, True])
def test_the_gradient_is_tensorflows(name, masked):
    rng = np.random.default_rng(1)

    def draw(*shape):
        return tf.constant(rng.normal(size=shape))

    kernels = [draw(4, 8) for _ in range(len(CELLS[name][1]) + 1)]
    x, state = draw(6, 3, 8), draw(3, 4)
    mask = tf.constant(rng.integers(0, 2, (3, 4)) * 2.0) if masked else None
    arguments = (x, state, mask, kernels, CELLS[name])
    expected = gradients(*arguments, training=False, graph=False)
    for graph in (False, True):
        found = gradients(*arguments, training=True, graph=graph)
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-10)
    assert all(np.abs(g).max() > 1e-3 for g in expected)


@pytest.mark.parametrize(
    "text, loose",
    [
        # melodyguan/enas, scripts/ptb_final.sh: the activation of node 0, then pairs.
        ("0 0 0 1 1 2 1 2 0 2 0 5 1 1 0 6 1 8 1 8 1 8 1", [3, 4, 7, 9, 10, 11]),
        # enas_lm: a node of tanh stands first, then pairs.
        ("0 0 2 1 0 2 1 2 2 4 0 5 0 3 2 6 2", [7, 8]),
    ],
)
def test_loose_ends_of_the_published_cells(text, loose):
    first, *rest = map(int, text.split())
    nodes = list(zip(rest[::2], rest[1::2], strict=True))
    assert HighwayCell(2, nodes, first).decisions().ends == loose


def test_dropout_is_one_mask_for_all_nodes_and_steps():
    layer, (first, nodes) = layer_of("mixed", dropout=0.5, bound=None)
    x = sequences()
    seed = keras.random.SeedGenerator(1)
    mask = np.array(keras.random.dropout(tf.ones((3, 4)), 0.5, seed=seed))
    assert set(np.unique(mask)) == {0.0, 2.0}
    outputs = np.array(layer(x, training=True))
    for row in range(3):
        input_kernel, *kernels = layer.get_weights()[: 1 + len(nodes) + 1]
        weights = [input_kernel, *(mask[row][:, None] * kernel for kernel in kernels)]
        expected = run_by_hand(x[row : row + 1], weights, first, nodes)
        np.testing.assert_allclose(outputs[row : row + 1], expected, rtol=1e-4, atol=1e-5)
    assert np.abs(np.array(layer(x)) - outputs).max() > 0.01


def test_the_penalty_is_of_the_matrices_and_while_training():
    layer, _ = layer_of("chain", kernel_l2=0.1)
    layer(sequences())
    assert layer.losses == []
    layer(sequences(), training=True)
    squares = sum((weight**2).sum() for weight in layer.get_weights()[:5])
    assert float(sum(layer.losses)) == pytest.approx(0.1 * squares, rel=1e-5)


def test_states_stay_bounded():
    """ReLU and identity alone grow without end; the bound is what keeps them."""
    x = sequences(steps=300, scale=3.0)
    for bound in (None, 1.0):
        layer = Recurrent(HighwayCell(4, [(0, 1), (1, 2)], first=1, bound=bound))
        layer.build((None, None, 2))
        for weight in layer.trainable_variables:
            weight.assign(np.abs(np.random.default_rng(1).normal(size=weight.shape)))
        outputs = np.array(layer(x))
        if bound is None:
            assert not np.isfinite(outputs).all() or np.abs(outputs).max() > 1e6
        else:
            assert np.sqrt((outputs**2).mean(-1)).max() <= 1 + 1e-5


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(dtype):
    layer, _ = layer_of("mixed")
    x = sequences()
    expected = np.array(layer(x))
    keras.config.set_dtype_policy(dtype)
    mixed, _ = layer_of("mixed")
    outputs = mixed(x, training=True)
    assert outputs.dtype == dtype.removeprefix("mixed_")
    assert all(weight.dtype == "float32" for weight in mixed.trainable_variables)
    np.testing.assert_allclose(np.array(tf.cast(outputs, "float32")), expected, atol=0.1)


def test_the_layer_is_read_back_from_its_config(tmp_path):
    layer, _ = layer_of("mixed", output="all", bound=2.0, dropout=0.2, kernel_l2=1e-3)
    inputs = keras.Input((None, 2))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    copy = loaded.layers[-1]
    assert copy.cell.get_config() == layer.cell.get_config()
    assert (copy.dropout, copy.kernel_l2, copy.seed) == (0.2, 1e-3, 1)
    assert copy.cell.nodes == ((0, 2), (0, 0), (1, 1), (1, 1), (3, 3))
    x = sequences()
    np.testing.assert_array_equal(np.array(loaded(x)), np.array(model(x)))


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"units": 0}, "`units`"),
        ({"nodes": [(1, 0)]}, "`nodes\\[0\\]` must take one of the 1 nodes before it"),
        ({"nodes": [(0, 0), (2, 0)]}, "`nodes\\[1\\]`.*source=2"),
        ({"nodes": [(0, 4)]}, "an activation is an index 0 to 3. Received: 4"),
        ({"nodes": [(0, 0, 0)]}, "pairs"),
        ({"nodes": [(0, "tanh")]}, "must be integers.*'tanh'"),
        ({"first": 0.0}, "must be integers"),
        ({"first": -1}, "an activation is an index"),
        ({"activations": ("tanh", "gelu")}, "`activations`"),
        ({"activations": ("tanh", "tanh")}, "`activations`"),
        ({"output": "last"}, "`output`"),
        ({"bound": 0}, "`bound`"),
    ],
)
def test_bad_cells_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        HighwayCell(**{"units": 4, "nodes": [(0, 0)], **kwargs})


def test_numbers_of_numpy_are_numbers():
    cell = HighwayCell(4, np.array([[0, 1], [1, 2]]), first=np.int32(3))
    assert cell.get_config()["nodes"] == [[0, 1], [1, 2]] and type(cell.first) is int


def test_a_supergraphs_cell_has_no_config():
    class Index:
        num_candidates = 2

        def read(self):
            return tf.constant(0)

    cell = HighwayCell(4, [(0, Index())])
    with pytest.raises(ValueError, match="Build a child"):
        cell.get_config()


def test_bad_layers_are_refused():
    cell = HighwayCell(4, [(0, 0)])
    with pytest.raises(ValueError, match="`cell`"):
        Recurrent(keras.layers.LSTMCell(4))
    with pytest.raises(ValueError, match="`dropout`"):
        Recurrent(cell, dropout=1.0)
    with pytest.raises(ValueError, match="`kernel_l2`"):
        Recurrent(cell, kernel_l2=-1.0)
    with pytest.raises(ValueError, match="streams, steps, features"):
        Recurrent(cell)(keras.Input((4,)))
