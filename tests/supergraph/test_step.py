"""The training step: one trace, the chosen operations only, and everything Keras offers."""

import collections

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.choices import InputChoice, Keyed, OpChoice, SkipChoice
from keras_enas.supergraph import Scorer, Supergraph
from keras_enas.supergraph.supergraph import relax_batch


def compiled(inputs, outputs, **kwargs):
    model = keras.Model(inputs, outputs)
    kwargs = {"optimizer": "sgd", "loss": "mse", **kwargs}
    model.compile(**kwargs)
    return model


class FromFunction(keras_tuner.HyperModel):
    """A hypermodel of a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def build(self, hp):
        return self.function(hp)


# One trace.


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


# The table of architectures.


def test_steps_take_the_rows_in_turn(spaces, numbers):
    """The bias of a branch moves exactly in the steps that its row is due."""
    supergraph = Supergraph(spaces["dense"]())
    switch = next(x for x in supergraph.network.layers if hasattr(x, "branches"))
    supergraph.set_architectures([[0], [1], [1]])
    x, y = numbers
    moved = []
    for _ in range(6):
        before = [np.concatenate([np.ravel(v) for v in values(switch, i)]) for i in (0, 1)]
        supergraph.train_on_batch(x, y)
        after = [np.concatenate([np.ravel(v) for v in values(switch, i)]) for i in (0, 1)]
        moved.append([bool((a != b).any()) for a, b in zip(after, before, strict=True)])
    assert moved == [[True, False], [False, True], [False, True]] * 2


def values(switch, index):
    return [np.array(value) for value in switch.values_of(index).values()]


def test_architectures_that_do_not_fit_are_refused(spaces):
    supergraph = Supergraph(spaces["dense"]())
    with pytest.raises(ValueError, match="'op'"):
        supergraph.set_architectures([[2]])
    with pytest.raises(ValueError, match="1 decisions"):
        supergraph.set_architectures([[0, 0]])


# Only what was chosen runs.


class Counting(keras.layers.Layer):
    """Counts how often it runs, forward and backward, in the graph."""

    def __init__(self, note, **kwargs):
        super().__init__(**kwargs)
        self.note = note

    def call(self, inputs):
        def note(direction, x):
            def run(x):
                self.note(direction)
                return x

            y = tf.py_function(run, [x], x.dtype)
            y.set_shape(x.shape)
            return y

        @tf.custom_gradient
        def counted(x):
            return note("forward", x), lambda upstream: note("backward", upstream)

        return counted(inputs)


def test_only_the_chosen_operation_runs(numbers):
    runs = collections.Counter()

    def counting(key):
        return Counting(lambda direction: runs.update([(key, direction)]))

    def branch(key):
        return lambda: keras.Sequential([keras.layers.Dense(4), counting(key)])

    def build(hp):
        inputs = keras.Input((4,))
        x = OpChoice(hp, "op", {key: branch(key) for key in "abc"})(inputs)
        x = Keyed(hp, "op", lambda: counting("keyed"), only=["b", "c"])(x)
        return compiled(inputs, keras.layers.Dense(1)(x))

    supergraph = Supergraph(FromFunction(build))
    scorer = Scorer(supergraph)
    x, y = numbers
    supergraph.set_architectures([[1], [1], [0]])
    runs.clear()
    supergraph.fit(x, y, batch_size=10, verbose=0)
    expected = {("b", "forward"): 2, ("b", "backward"): 2, ("a", "forward"): 1}
    expected.update({("a", "backward"): 1, ("keyed", "forward"): 2, ("keyed", "backward"): 2})
    assert runs == expected
    runs.clear()
    scorer([2], [(x, y)])
    assert runs == {("c", "forward"): 1, ("keyed", "forward"): 1}


def test_inputs_and_skips_that_were_not_chosen_get_no_gradient(numbers):
    x, y = numbers

    def build(hp):
        inputs = keras.Input((4,))
        tensors = [keras.layers.Dense(4, name=f"dense_{i}")(inputs) for i in range(4)]
        chosen = InputChoice(hp, "input")(tensors[:2])
        total, _ = SkipChoice(hp, "skip")(chosen, tensors[2:])
        return compiled(inputs, keras.layers.Dense(1)(total))

    supergraph = Supergraph(FromFunction(build))
    kernels = [supergraph.network.get_layer(f"dense_{i}").kernel for i in range(4)]
    for indices, moving in (([1, 0, 1], [1, 3]), ([0, 1, 1], [0, 2, 3]), ([0, 0, 0], [0])):
        before = [np.array(kernel) for kernel in kernels]
        supergraph.set_architectures([indices])
        supergraph.fit(x, y, batch_size=30, verbose=0)
        moved = [i for i in range(4) if (before[i] != np.array(kernels[i])).any()]
        assert moved == moving


def test_unselected_weights_get_dense_zeros_so_momentum_moves_them(spaces, numbers):
    """A stated choice, as in the released code of ENAS: their velocity goes on and fades."""
    x, y = numbers
    hypermodel = spaces["dense"](optimizer=lambda: keras.optimizers.SGD(0.1, momentum=0.9))
    supergraph = Supergraph(hypermodel)
    switch = next(x for x in supergraph.network.layers if hasattr(x, "branches"))
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
    assert stack.shape == (2, 20)
    supergraph.set_architectures([[0], [1]])
    history = [np.array(stack)]
    for _ in range(2):
        supergraph.train_on_batch(x, y)
        history.append(np.array(stack))
    start, first, second = history
    np.testing.assert_array_equal(start[1], first[1])
    np.testing.assert_allclose((second - first)[0], 0.9 * (first - start)[0], rtol=1e-4, atol=1e-7)
    assert (second[1] != first[1]).any()


# What Keras offers.


def test_fit_with_all_that_it_takes(spaces, numbers, tmp_path):
    x, y = numbers
    hypermodel = spaces["dense"](optimizer=lambda: keras.optimizers.Adam(0.01))
    supergraph = Supergraph(hypermodel)
    supergraph.set_architectures([[0], [1]])
    rates = []
    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 / (epoch + 1)),
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: rates.append(float(supergraph.optimizer.learning_rate))
        ),
        keras.callbacks.EarlyStopping("loss", patience=50, restore_best_weights=True),
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        keras.callbacks.ModelCheckpoint(
            str(tmp_path / "best.weights.h5"), save_weights_only=True, monitor="loss"
        ),
    ]
    history = supergraph.fit(
        x, y, validation_data=(x, y), batch_size=8, epochs=3, callbacks=callbacks, verbose=0
    ).history
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(history)
    np.testing.assert_allclose(rates, [0.01, 0.005, 0.01 / 3], rtol=1e-5)
    assert (tmp_path / "best.weights.h5").exists()
    assert set(supergraph.evaluate(x, y, return_dict=True, verbose=0)) == {"loss", "accuracy"}
    assert supergraph.predict(x, verbose=0).shape == (30, 3)


def test_class_and_sample_weights_count(spaces, numbers):
    """A class of weight 0 teaches nothing: same weights as without its samples."""
    x, y = numbers
    kept = y != 2
    results = []
    for kwargs in (
        {"class_weight": {0: 1.0, 1: 1.0, 2: 0.0}},
        {"sample_weight": kept.astype("float32")},
    ):
        keras.utils.set_random_seed(1)
        supergraph = Supergraph(spaces["dense"](), seed=0)
        supergraph.fit(x, y, batch_size=30, shuffle=False, verbose=0, **kwargs)
        results.append(supergraph.get_weights())
        assert supergraph.train_traces == 1
    for first, second in zip(*results, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)
    keras.utils.set_random_seed(1)
    supergraph = Supergraph(spaces["dense"](), seed=0)
    start = supergraph.get_weights()
    supergraph.fit(x[kept], y[kept], batch_size=30, shuffle=False, verbose=0)
    for first, second, before in zip(results[0], supergraph.get_weights(), start, strict=True):
        # Keras divides by the whole batch, hence the shorter step.
        np.testing.assert_allclose(first - before, (second - before) * kept.mean(), atol=1e-6)


def test_a_train_step_of_the_users_own_is_kept(spaces, numbers):
    class Model(keras.Model):
        def train_step(self, data):
            return {**super().train_step(data), "answer": 42.0}

    supergraph = Supergraph(spaces["dense"](model_class=Model))
    history = supergraph.fit(*numbers, verbose=0).history
    assert history["answer"] == [42.0]


def test_several_steps_an_execution(spaces, numbers):
    supergraph = Supergraph(spaces["dense"]())
    supergraph.steps_per_execution = 2
    supergraph.set_architectures([[0], [1]])
    supergraph.fit(*numbers, batch_size=10, epochs=2, verbose=0)
    assert int(supergraph.optimizer.iterations) == 6
    assert supergraph.train_traces == 1


def test_weights_save_and_load(shared, spaces, images, tmp_path):
    _, supergraph = shared("user")
    x, _ = images(4)
    supergraph.save_weights(tmp_path / "it.weights.h5")
    other = Supergraph(spaces["user"](), seed=5)
    other.load_weights(tmp_path / "it.weights.h5")
    for mine, yours in zip(supergraph.variables, other.variables, strict=True):
        if "seed_generator" not in mine.path:
            np.testing.assert_array_equal(np.array(mine), np.array(yours), err_msg=mine.path)
    for indices in supergraph.space.random(3, np.random.default_rng(0)):
        np.testing.assert_array_equal(
            np.array(supergraph(x, architecture=indices)), np.array(other(x, architecture=indices))
        )


def test_mixed_precision(spaces, images):
    """float16 inside, float32 weights, averages and probabilities; the loss is scaled."""
    keras.config.set_dtype_policy("mixed_float16")
    supergraph = Supergraph(spaces["macro"](num_layers=2), seed=0)
    keras.config.set_dtype_policy("float32")
    assert {v.dtype for v in supergraph.trainable_variables} == {"float32"}
    assert type(supergraph.optimizer).__name__ == "LossScaleOptimizer"
    x, y = images(8)
    supergraph.set_architectures(supergraph.space.random(4, np.random.default_rng(0)))
    losses = supergraph.fit(x, y, batch_size=4, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert supergraph.train_traces == 1
    states = [v for v in supergraph.non_trainable_variables if v.name == "states"]
    assert states
    for variable in states:
        value = np.array(variable)
        # Kept in float32: a value rounded to float16 on the way would come back unchanged.
        moved = value[(value != 0) & (value != 1)]
        assert variable.dtype == "float32" and (moved != moved.astype("float16")).mean() > 0.9
    outputs = supergraph(x, architecture=supergraph.space.random(1, np.random.default_rng(1))[0])
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"


def test_weight_regularizers_inside_candidates_count(numbers):
    x, y = numbers

    def build(hp):
        inputs = keras.Input((4,))
        candidates = {
            "l2": lambda: keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.5)),
            "none": keras.layers.Identity,
        }
        x = OpChoice(hp, "op", candidates)(inputs)
        x = Keyed(
            hp,
            "op",
            lambda: keras.layers.Dense(
                4, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(0.25)
            ),
        )(x)
        return compiled(inputs, keras.layers.Dense(1)(x))

    supergraph = Supergraph(FromFunction(build))
    switch = next(x for x in supergraph.network.layers if hasattr(x, "branches"))
    kernel = switch.branches[0].kernel
    assert any(v is kernel for v in supergraph.trainable_variables)
    # Those of all candidates count in every step, chosen or not.
    expected = 0.5 * np.square(np.array(kernel)).sum() + 0.25 * 2 * 16
    np.testing.assert_allclose(float(sum(supergraph.network.losses)), expected, rtol=1e-5)
    before = np.array(kernel)
    supergraph.set_architectures([[1]])
    supergraph.fit(x, y, batch_size=30, verbose=0)
    np.testing.assert_allclose(np.array(kernel), before * (1 - 0.01 * 2 * 0.5), rtol=1e-5)


def test_other_hyperparameters_keep_their_default(numbers):
    def build(hp):
        inputs = keras.Input((4,))
        x = OpChoice(hp, "op", {"a": lambda: keras.layers.Dense(4), "b": keras.layers.Identity})(
            inputs
        )
        rate = hp.Float("rate", 0.01, 0.9, default=0.25)
        return compiled(inputs, keras.layers.Dense(1)(x), optimizer=keras.optimizers.SGD(rate))

    supergraph = Supergraph(FromFunction(build))
    assert float(supergraph.optimizer.learning_rate) == 0.25
    assert [d.name for d in supergraph.space] == ["op"]


def test_several_inputs_and_outputs(numbers):
    x, y = numbers

    def build(hp):
        first, second = keras.Input((4,), name="first"), keras.Input((4,), name="second")
        candidates = {"add": keras.layers.Add, "max": keras.layers.Maximum}
        total = OpChoice(hp, "merge", candidates)([first, second])
        one = keras.layers.Dense(1, name="one")(total)
        two = keras.layers.Dense(1, name="two")(total)
        model = keras.Model({"first": first, "second": second}, {"one": one, "two": two})
        model.compile("sgd", {"one": "mse", "two": "mae"})
        return model

    supergraph = Supergraph(FromFunction(build))
    data = {"first": x, "second": -x}, {"one": y, "two": y}
    supergraph.fit(*data, batch_size=8, verbose=0)
    assert supergraph.train_traces == 1
    added = supergraph({"first": x, "second": -x}, architecture=[0])
    bias = supergraph.network.get_layer("one").bias
    np.testing.assert_allclose(np.array(added["one"]), np.full((30, 1), bias), atol=1e-6)


# Errors.


def test_a_hypermodel_without_choices_is_refused():
    def build(hp):
        inputs = keras.Input((4,))
        return compiled(inputs, keras.layers.Dense(1)(inputs))

    with pytest.raises(ValueError, match=r"no choices.*OpChoice"):
        Supergraph(FromFunction(build))


def test_a_model_that_is_not_compiled_is_refused():
    def build(hp):
        inputs = keras.Input((4,))
        return keras.Model(inputs, OpChoice(hp, "op", {"a": keras.layers.Identity})(inputs))

    with pytest.raises(ValueError, match="compile"):
        Supergraph(FromFunction(build))
    supergraph = Supergraph(
        FromFunction(build), override_compile=lambda model: model.compile("sgd", "mse")
    )
    assert supergraph.network.compiled


def test_an_activity_regularizer_inside_a_switch_is_refused():
    def layer():
        return keras.layers.Dense(4, activity_regularizer="l2")

    def in_candidate(hp):
        inputs = keras.Input((4,))
        candidates = {"plain": keras.layers.Identity, "dense": layer}
        return compiled(inputs, OpChoice(hp, "op", candidates)(inputs))

    def in_keyed(hp):
        inputs = keras.Input((4,))
        OpChoice(hp, "op", {"a": keras.layers.Identity, "b": keras.layers.Identity})(inputs)
        return compiled(inputs, Keyed(hp, "op", layer)(inputs))

    with pytest.raises(ValueError, match=r"'dense' of OpChoice 'op'.*activity_regularizer"):
        Supergraph(FromFunction(in_candidate))
    with pytest.raises(ValueError, match=r"Keyed on 'op'.*activity_regularizer"):
        Supergraph(FromFunction(in_keyed))


def test_a_loss_added_inside_a_switch_is_refused():
    class Adding(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(keras.ops.sum(inputs))
            return inputs

    def build(hp):
        inputs = keras.Input((4,))
        candidates = {"plain": keras.layers.Identity, "adding": Adding}
        return compiled(inputs, OpChoice(hp, "op", candidates)(inputs))

    with pytest.raises(ValueError, match=r"'adding' of OpChoice 'op'.*add_loss"):
        Supergraph(FromFunction(build))


def test_tensors_of_different_shapes_are_refused():
    def inputs_differ(hp):
        inputs = keras.Input((4,))
        tensors = [inputs, keras.layers.Dense(5)(inputs)]
        return compiled(inputs, InputChoice(hp, "source")(tensors))

    def skips_differ(hp):
        inputs = keras.Input((4,))
        total, _ = SkipChoice(hp, "skip")(inputs, [keras.layers.Dense(1)(inputs)])
        return compiled(inputs, total)

    def only_changes_shape(hp):
        inputs = keras.Input((4,))
        x = OpChoice(hp, "op", {"a": keras.layers.Identity, "b": keras.layers.Identity})(inputs)
        return compiled(inputs, Keyed(hp, "op", lambda: keras.layers.Dense(3), only=["a"])(x))

    for build, message in (
        (inputs_differ, "InputChoice 'source' differ"),
        (skips_differ, "SkipChoice 'skip' differ"),
        (only_changes_shape, "Keyed on 'op'"),
    ):
        with pytest.raises(ValueError, match=message):
            Supergraph(FromFunction(build))


def test_the_network_by_itself_says_what_is_missing(spaces, numbers):
    supergraph = Supergraph(spaces["dense"]())
    with pytest.raises(RuntimeError, match="without an architecture"):
        supergraph.network(numbers[0])
