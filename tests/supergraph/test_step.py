"""A training step: one trace for all, the next row each time, and which weights it moves."""

import keras
import numpy as np
import tensorflow as tf
from function_space import FromFunction, compiled

from keras_enas.choices import Keyed, OpChoice
from keras_enas.supergraph import Scorer, Supergraph
from keras_enas.supergraph.supergraph import relax_batch


def test_one_trace_for_a_search(spaces, images):
    """Rounds with other architectures, partial batches, other batch sizes, and scoring between."""
    supergraph = Supergraph(spaces["macro"](num_layers=3), seed=0)
    scorer = Scorer(supergraph)
    rng = np.random.default_rng(0)
    for batch_size, n in ((8, 20), (8, 20), (5, 17), (16, 16), (32, 7)):
        x, y = images(n)
        supergraph.set_architectures(supergraph.space.random(3, rng))
        supergraph.fit(x, y, batch_size=batch_size, epochs=2, verbose=0)
        for indices in supergraph.space.random(2, rng):
            scorer(indices, [(x[:6], y[:6]), (x[6:], y[6:])])
    assert supergraph.train_traces == 1
    assert scorer.traces == 1
    assert int(supergraph.optimizer.iterations) == 2 * (3 + 3 + 4 + 1 + 1)


def test_datasets_are_traced_once(spaces, numbers):
    supergraph = Supergraph(spaces["dense"]())
    dataset = tf.data.Dataset.from_tensor_slices(numbers)
    for size in (4, 4, 7):
        supergraph.fit(dataset.shuffle(30, seed=0).batch(size), epochs=2, shuffle=False, verbose=0)
    assert supergraph.train_traces == 1


def test_the_batch_size_is_hidden_from_the_trace():
    batches = []

    @tf.function
    def trace(x, y):
        relaxed = relax_batch({"x": x, "y": (y, None)})
        batches.append([t.shape[0] for t in (relaxed["x"], relaxed["y"][0])])
        assert relaxed["y"][1] is None
        return relaxed["x"]

    trace(tf.zeros((4, 2)), tf.zeros(4))
    assert batches == [[None, None]]


def switch_of(supergraph):
    return next(layer for layer in supergraph.network.layers if hasattr(layer, "branches"))


def values(switch, index):
    return [np.array(value) for value in switch.values_of(index).values()]


def test_steps_take_the_rows_in_turn(spaces, numbers):
    """The bias of a branch moves exactly in the steps that its row is due."""
    supergraph = Supergraph(spaces["dense"]())
    switch = switch_of(supergraph)
    supergraph.set_architectures([[0], [1], [1]])
    x, y = numbers
    moved = []
    for _ in range(6):
        before = [np.concatenate([np.ravel(v) for v in values(switch, i)]) for i in (0, 1)]
        supergraph.train_on_batch(x, y)
        after = [np.concatenate([np.ravel(v) for v in values(switch, i)]) for i in (0, 1)]
        moved.append([bool((a != b).any()) for a, b in zip(after, before, strict=True)])
    assert moved == [[True, False], [False, True], [False, True]] * 2


def test_unselected_weights_get_dense_zeros_so_momentum_moves_them(spaces, numbers):
    """A stated choice, as in the released code of ENAS: their velocity goes on and fades."""
    x, y = numbers
    hypermodel = spaces["dense"](optimizer=lambda: keras.optimizers.SGD(0.1, momentum=0.9))
    supergraph = Supergraph(hypermodel)
    switch = switch_of(supergraph)
    supergraph.set_architectures([[0], [1], [1]])
    history = [values(switch, 0)]
    for _ in range(3):
        supergraph.train_on_batch(x, y)
        history.append(values(switch, 0))
    for start, first, second, third in zip(*history, strict=True):
        assert (first != start).all()
        np.testing.assert_allclose(second - first, 0.9 * (first - start), rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(third - second, 0.81 * (first - start), rtol=1e-4, atol=1e-7)


def test_keyed_weights_get_dense_zeros_too(numbers):
    x, y = numbers

    def build(hp):
        inputs = keras.Input((4,))
        candidates = {key: keras.layers.Identity for key in "ab"}
        x = OpChoice(hp, "op", candidates)(inputs)
        x = Keyed(hp, "op", lambda: keras.layers.Dense(4))(x)
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
        return compiled(inputs, keras.layers.Dense(1)(x), optimizer=optimizer)

    supergraph = Supergraph(FromFunction(build))
    stack = next(v for v in supergraph.trainable_variables if v.name == "stack")
    # A row after the other: 4x4 kernel and 4 biases of each candidate.
    assert stack.shape == (2 * 20,)
    supergraph.set_architectures([[0], [1]])
    history = [np.array(stack).reshape(2, 20)]
    for _ in range(2):
        supergraph.train_on_batch(x, y)
        history.append(np.array(stack).reshape(2, 20))
    start, first, second = history
    np.testing.assert_array_equal(start[1], first[1])
    np.testing.assert_allclose((second - first)[0], 0.9 * (first - start)[0], rtol=1e-4, atol=1e-7)
    assert (second[1] != first[1]).any()
