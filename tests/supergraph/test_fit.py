"""What Keras offers works on a supergraph: all that `fit` takes, and what a model may have."""

import keras
import numpy as np
from function_space import FromFunction, compiled

from keras_enas.choices import Keyed, OpChoice
from keras_enas.supergraph import Supergraph


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
