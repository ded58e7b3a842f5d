"""Scores rest on the statistics of the batch and change nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from function_space import FromFunction

from keras_enas.choices import OpChoice
from keras_enas.supergraph import Scorer, Supergraph, batch_statistics, recalibrate


@pytest.fixture(scope="module")
def scored(shared, images):
    hypermodel, supergraph = shared("user")
    return hypermodel, supergraph, Scorer(supergraph), images(16)


def variables(network):
    """All variables but those of metrics."""
    return network.trainable_variables + network.non_trainable_variables


def test_a_score_is_that_of_the_child_with_batch_statistics(scored, make_child):
    hypermodel, supergraph, scorer, (x, y) = scored
    for indices in supergraph.space.random(3, np.random.default_rng(4)):
        child = make_child(hypermodel, supergraph, indices)
        with batch_statistics(child):
            outputs = child(x, training=False)
        expected = keras.losses.sparse_categorical_crossentropy(y, outputs)
        penalty = float(sum(supergraph.network.losses))
        result = scorer(indices, [(x, y)])
        np.testing.assert_allclose(result["loss"] - penalty, np.mean(expected), rtol=1e-4)
        accuracy = np.mean(np.argmax(outputs, -1) == y)
        np.testing.assert_allclose(result["accuracy"], accuracy, atol=1e-6)
    assert scorer.traces == 1


def test_scoring_leaves_everything_as_it_was(scored):
    _, supergraph, scorer, (x, y) = scored
    before = [np.array(v) for v in variables(supergraph.network)]
    for indices in supergraph.space.random(3, np.random.default_rng(5)):
        scorer(indices, [(x[:8], y[:8]), (x[8:], y[8:])])
    for value, variable in zip(before, variables(supergraph.network), strict=True):
        np.testing.assert_array_equal(value, np.array(variable), err_msg=variable.path)


def test_scores_do_not_read_moving_averages(scored):
    _, supergraph, scorer, (x, y) = scored
    indices = supergraph.space.random(1, np.random.default_rng(6))[0]
    before = scorer(indices, [(x, y)])
    averages = [v for v in supergraph.network.non_trainable_variables if "seed" not in v.path]
    averages = [v for v in averages if keras.backend.is_float_dtype(v.dtype)]
    kept = [np.array(v) for v in averages]
    assert averages
    for variable in averages:
        variable.assign(variable * 3.0 + 100.0)
    assert scorer(indices, [(x, y)]) == before
    for variable, value in zip(averages, kept, strict=True):
        variable.assign(value)


def test_batches_are_scored_together_and_calls_apart(scored):
    _, supergraph, scorer, (x, y) = scored
    indices = supergraph.space.random(1, np.random.default_rng(7))[0]
    first, second = scorer(indices, [(x[:8], y[:8])]), scorer(indices, [(x[8:], y[8:])])
    both = scorer(indices, [(x[:8], y[:8]), (x[8:], y[8:])])
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(both[name], (first[name] + second[name]) / 2, rtol=1e-5)
    assert scorer(indices, [(x[:8], y[:8])]) == first


def test_sample_weights_count(spaces, numbers):
    x, y = numbers
    scorer = Scorer(Supergraph(spaces["dense"]()))
    kept = (y != 0).astype("float32")
    weighted = scorer([0], [(x, y, kept)])
    unweighted = Scorer(scorer._supergraph)([0], [(x[y != 0], y[y != 0])])
    np.testing.assert_allclose(weighted["loss"], unweighted["loss"] * kept.mean(), rtol=1e-5)


def test_training_goes_on_after_scoring(spaces, images):
    """The trace of scoring must leave the normalisation of later traces alone."""
    x, y = images(8)
    supergraph = Supergraph(spaces["macro"](num_layers=2), seed=0)
    Scorer(supergraph)(supergraph.space.random(1, np.random.default_rng(0))[0], [(x, y)])
    states = [v for v in supergraph.network.non_trainable_variables if "moving" in v.path]
    before = [np.array(v) for v in states]
    supergraph.fit(x, y, verbose=0)
    assert any((np.array(v) != b).any() for v, b in zip(states, before, strict=True))


def test_recalibrated_averages_are_the_mean_over_batches():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
    )
    rng = np.random.default_rng(0)
    batches = [rng.normal(3 + i, 1 + i, size=(50, 4)).astype("float32") for i in range(3)]
    recalibrate(model, batches)
    layer = model.layers[0]
    expected = np.mean([batch.mean(0) for batch in batches], 0)
    np.testing.assert_allclose(np.array(layer.moving_mean), expected, rtol=1e-5)
    expected = np.mean([batch.var(0) for batch in batches], 0)
    np.testing.assert_allclose(np.array(layer.moving_variance), expected, rtol=1e-4)
    assert layer.momentum == 0.99
    # And the layer is itself again: it does not go on learning.
    before = np.array(layer.moving_mean)
    model(tf.zeros((2, 4)), training=False)
    np.testing.assert_array_equal(before, np.array(layer.moving_mean))


def test_a_recalibrated_child_on_one_batch_has_the_score_of_the_batch(scored, make_child):
    hypermodel, supergraph, _, (x, _) = scored
    indices = supergraph.space.random(1, np.random.default_rng(8))[0]
    child = make_child(hypermodel, supergraph, indices)
    with batch_statistics(child):
        expected = np.array(child(x, training=False))
    recalibrate(child, [x])
    np.testing.assert_allclose(np.array(child(x, training=False)), expected, atol=1e-5)


def test_which_metrics_are_means_of_batches(spaces, numbers):
    metrics = ["accuracy", keras.metrics.F1Score("macro", name="f1"), keras.metrics.F1Score()]
    # Derives from `Mean`, and is the root of one.
    metrics.append(keras.metrics.RootMeanSquaredError(name="rmse"))
    supergraph = Supergraph(
        spaces["dense"](metrics=[]),
        seed=0,
        override_compile=lambda model: model.compile(
            "sgd", "categorical_crossentropy", metrics=metrics
        ),
    )
    scorer = Scorer(supergraph)
    x, y = numbers
    result = scorer([0], [(x, keras.utils.to_categorical(y, 3))])
    # What is no scalar is left out.
    assert set(result) == {"loss", "accuracy", "f1", "rmse"}
    assert [scorer.averages(name) for name in result] == [n in ("loss", "accuracy") for n in result]
    assert not scorer.averages()


def test_which_metrics_are_means_of_batches_where_there_are_several_outputs(numbers):
    def build(hp):
        inputs = keras.Input((4,))
        candidates = {name: lambda: keras.layers.Dense(5) for name in ("a", "b")}
        x = OpChoice(hp, "op", candidates)(inputs)
        outputs = {name: keras.layers.Dense(3, name=name)(x) for name in ("one", "two")}
        model = keras.Model(inputs, outputs)
        metrics = {"one": ["mae", keras.metrics.R2Score(name="r2")]}
        model.compile("sgd", "mse", metrics=metrics)
        return model

    x, y = numbers
    y = keras.utils.to_categorical(y, 3)
    scorer = Scorer(Supergraph(FromFunction(build), seed=0))
    assert {"one_mae", "one_r2"} <= set(scorer([0], [(x, {"one": y, "two": y})]))
    assert scorer.averages("one_mae") and not scorer.averages("one_r2")
