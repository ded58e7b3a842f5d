"""States go from batch to batch where they should, and nowhere else."""

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.hypermodels import HyperRecurrentLM
from keras_enas.rewards import perplexity_reward
from keras_enas.supergraph import Scorer, Supergraph
from keras_enas.text import stream_batches
from keras_enas.tuner.data import ValidationData
from keras_enas.tuner.round import Judge

QUIET = {f"{name}_dropout": 0.0 for name in ("word", "embedding", "input", "state", "output")}


@pytest.fixture
def model():
    hypermodel = HyperRecurrentLM(11, 3, 6, learning_rate=0.0, **QUIET)
    model = hypermodel.build(keras_tuner.HyperParameters())
    for i, variable in enumerate(model.trainable_variables):
        variable.assign(np.random.default_rng(i).normal(size=variable.shape))
    return model


def perplexity(model, x, y):
    values = keras.losses.sparse_categorical_crossentropy(y, model(x), from_logits=True)
    return float(np.exp(np.mean(values)))


def joined(dataset):
    return [np.concatenate(parts, 1) for parts in zip(*dataset.as_numpy_iterator(), strict=True)]


def test_an_evaluation_is_that_of_the_whole_text(model, tokens):
    dataset = stream_batches(tokens(90), 4, 6, drop_remainder=False)
    expected = perplexity(model, *joined(dataset))
    for _ in range(2):
        found = model.evaluate(dataset, verbose=0, return_dict=True)["perplexity"]
        assert found == pytest.approx(expected, rel=1e-5)
    without = np.mean([perplexity(model, x, y) for x, y in dataset])
    assert abs(without - expected) > 1e-3


def test_an_epoch_begins_with_zeros(model, tokens):
    """With a learning rate of 0 and no dropout, training measures what an evaluation does."""
    training, other = stream_batches(tokens(90), 4, 6), stream_batches(tokens(60, 1), 2, 6)
    expected = perplexity(model, *joined(training)), perplexity(model, *joined(other))
    history = model.fit(training, epochs=3, validation_data=other, shuffle=False, verbose=0).history
    # Validation between epochs, with another number of streams, changes nothing.
    np.testing.assert_allclose(history["perplexity"], [expected[0]] * 3, rtol=1e-5)
    np.testing.assert_allclose(history["val_perplexity"], [expected[1]] * 3, rtol=1e-5)


def test_a_call_depends_on_its_input_alone(model, tokens):
    x = tokens(12).reshape(2, 6)
    before = np.array(model(x))
    model.evaluate(stream_batches(tokens(20), 2, 3), verbose=0)
    np.testing.assert_array_equal(np.array(model(x)), before)
    for _ in range(2):
        np.testing.assert_allclose(model.predict(x, verbose=0), before, atol=1e-5)


def test_states_in_and_out(model, tokens):
    x = tokens(24).reshape(2, 12)
    expected = np.array(model(x))
    (layer,) = model.recurrent_layers
    states = [tf.zeros((2, layer.cell.units))]
    parts = []
    for start, stop in ((0, 1), (1, 7), (7, 12)):
        outputs, states = model.call_with_states(x[:, start:stop], states)
        parts.append(np.array(outputs))
    np.testing.assert_allclose(np.concatenate(parts, 1), expected, atol=1e-5)


def test_gradients_end_at_the_batch(model, tokens):
    """A batch's gradient does not reach the batch before it: its state is a number."""
    x, y = (np.array(a) for a in next(iter(stream_batches(tokens(60), 4, 12))))
    model.optimizer.learning_rate = 1.0
    start = model.get_weights()
    model.fit(
        tf.data.Dataset.from_tensor_slices(
            (x.reshape(4, 2, 6).swapaxes(0, 1), y.reshape(4, 2, 6).swapaxes(0, 1))
        ),
        shuffle=False,
        verbose=0,
    )
    found = model.get_weights()
    # By hand: two steps, the second from the state after the first, before its update.
    model.set_weights(start)
    states = [tf.zeros((4, 6))]
    for k in range(2):
        part = slice(6 * k, 6 * k + 6)
        with tf.GradientTape() as tape:
            outputs, after = model.call_with_states(x[:, part], states)
            loss = tf.reduce_mean(
                keras.losses.sparse_categorical_crossentropy(y[:, part], outputs, from_logits=True)
            )
            # The default penalty of the matrices, which a call without training leaves out.
            loss += 1e-7 * tf.add_n(
                [tf.reduce_sum(v.value**2) for v in model.trainable_variables[1:]]
            )
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
        gradients = [tf.convert_to_tensor(g) for g in gradients]
        gradients, _ = tf.clip_by_global_norm(gradients, 0.25)
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
            variable.assign_sub(gradient)
        states = after
    for mine, yours in zip(found, model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, yours, rtol=1e-4, atol=1e-5)


NEW_PROCESS = """
import sys
sys.modules["keras_enas"] = sys.modules["keras"] = None
import numpy as np
import tensorflow as tf
loaded = tf.saved_model.load({folder!r})
tokens = np.arange(8, dtype="int32").reshape(2, 4)
states = loaded.initial_states(2)
parts = []
for t in range(4):
    outputs, *states = loaded.serve(tokens[:, t : t + 1], *states)
    parts.append(outputs)
whole, *last = loaded.serve(tokens, *loaded.initial_states(2))
np.testing.assert_allclose(np.concatenate(parts, 1), whole, atol=1e-5)
np.testing.assert_allclose(states[0], last[0], atol=1e-5)
np.save({folder!r} + "/outputs.npy", whole)
print("fine")
"""


def test_it_generates_where_there_is_no_keras_enas(model, run_python, tmp_path):
    folder = str(tmp_path / "exported")
    model.export(folder, verbose=False)
    assert "fine" in run_python("-c", NEW_PROCESS.format(folder=folder))
    x = np.arange(8, dtype="int32").reshape(2, 4)
    np.testing.assert_allclose(np.load(f"{folder}/outputs.npy"), np.array(model(x)), atol=1e-5)


def test_it_is_saved_and_read_back(model, tokens, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = tokens(12).reshape(2, 6)
    np.testing.assert_array_equal(np.array(loaded(x)), np.array(model(x)))
    dataset = stream_batches(tokens(60), 4, 6)
    scores = [one.evaluate(dataset, verbose=0, return_dict=True) for one in (model, loaded)]
    assert scores[0] == scores[1]


REPLICAS = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
import keras_tuner
from keras_enas.hypermodels import HyperRecurrentLM
from keras_enas.text import stream_batches

quiet = dict.fromkeys(
    [f"{n}_dropout" for n in ("word", "embedding", "input", "state", "output")], 0.0
)
dataset = stream_batches(np.random.default_rng(0).integers(0, 11, 80), 4, 5)
results = []
for strategy in (
    tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), tf.distribute.get_strategy()
):
    with strategy.scope():
        hypermodel = HyperRecurrentLM(11, 3, 6, learning_rate=0.0, init_range=1.0, **quiet)
        keras.utils.set_random_seed(0)
        model = hypermodel.build(keras_tuner.HyperParameters())
    for i, v in enumerate(model.trainable_variables):
        v.assign(np.random.default_rng(i).normal(size=v.shape))
    results.append(model.fit(dataset, epochs=2, shuffle=False, verbose=0).history["perplexity"])
np.testing.assert_allclose(*results, rtol=1e-5)
print("fine")
"""


def test_each_training_of_a_batch_begins_where_the_last_batch_ended(tokens):
    """With several architectures a step: otherwise the second one would know the labels."""
    x, y = (np.stack([*one]) for one in zip(*stream_batches(tokens(90), 4, 6), strict=True))

    def states(group):
        hypermodel = HyperRecurrentLM(11, 3, 6, **QUIET)
        supergraph = Supergraph(hypermodel, seed=0, architectures_per_step=group)
        for i, variable in enumerate(supergraph.network.trainable_variables):
            variable.assign(np.random.default_rng(i).normal(size=variable.shape))
        batches = tf.data.Dataset.from_tensor_slices((x[:3], y[:3]))
        batches = batches.flat_map(lambda *batch: tf.data.Dataset.from_tensors(batch).repeat(group))
        found = []
        seen = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: found.append(
                supergraph.network.recurrent_layers[0].memory.read(4).numpy()
            )
        )
        steps = 3 * group
        supergraph.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=[seen])
        return found

    one, three = states(1), states(3)
    assert len(one) == 3 and len(three) == 9
    assert np.abs(one[0] - one[1]).max() > 1e-3
    # All rows of the table are the same architecture here, so the mean of the gradients is that.
    for i, state in enumerate(three):
        np.testing.assert_allclose(state, one[i // 3], rtol=1e-4, atol=1e-6)


def test_a_score_is_an_evaluation_of_all_batches(tokens):
    """And not the mean of their perplexities, each from zero states."""
    supergraph = Supergraph(HyperRecurrentLM(11, 3, 6, **QUIET), seed=0)
    for i, variable in enumerate(supergraph.network.trainable_variables):
        variable.assign(np.random.default_rng(i).normal(size=variable.shape))
    data = stream_batches(tokens(90), 4, 6).take(3)
    validation = ValidationData(data, 4, 0)
    objective = keras_tuner.Objective("val_perplexity", "min")
    architecture = supergraph.space.random(1, np.random.default_rng(0))[0]
    score = Judge(Scorer(supergraph), objective, perplexity_reward()).score(
        architecture, validation
    )
    supergraph.set_architectures([architecture])
    expected = supergraph.evaluate(data, verbose=0, return_dict=True)["perplexity"]
    assert score.objective == pytest.approx(expected, rel=1e-5)
    assert score.reward == pytest.approx(80 / expected, rel=1e-5)


@pytest.mark.slow
def test_each_replica_carries_its_own_streams(run_python):
    assert "fine" in run_python("-c", REPLICAS)
