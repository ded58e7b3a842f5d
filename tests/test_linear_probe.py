"""A head fitted anew for each architecture: its value, what it asks for, a search by it."""

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import Ridge

from keras_enas import ENASTuner, LinearProbe, OpChoice, RandomOracle, SuccessiveHalving
from keras_enas.linear_probe import as_columns
from keras_enas.supergraph import Scorer, Supergraph


@pytest.fixture(scope="module")
def separable():
    """Features `(503, 32)` of which three tell the class, and one-hot classes `(503, 10)`."""
    rng = np.random.default_rng(0)
    x = rng.normal(2, 3, size=(503, 32))
    y = np.argmax(x[:, :3] @ rng.normal(size=(3, 10)), 1)
    return x.astype("float32"), np.eye(10, dtype="float32")[y]


def by_hand(x, y, examples, penalty):
    """The same with scikit-learn, head by head, for a batch of at least twice `examples`."""
    heads = len(x) // examples
    deviations = x.std(0)
    x = (x - x.mean(0)) / (deviations + 1e-3 * deviations.mean())
    y = y - y.mean(0)
    missed = there = 0.0
    for head in range(heads):
        mine = np.arange(head, heads * examples, heads)
        others = np.setdiff1d(np.arange(len(x)), mine)
        ridge = Ridge(penalty * examples, fit_intercept=False).fit(x[mine], y[mine])
        missed += np.sum((y[others] - ridge.predict(x[others]).reshape(-1, y.shape[1])) ** 2)
        there += np.sum(y[others] ** 2)
    return 1.0 - missed / there


@pytest.mark.parametrize(("examples", "penalty"), [(100, 0.1), (20, 0.1), (250, 1.0)])
def test_it_is_ridge_regression_from_few_examples(separable, examples, penalty):
    x, y = separable
    found = LinearProbe(examples, penalty).measure(tf.constant(x), tf.constant(y))
    np.testing.assert_allclose(found, by_hand(x, y, examples, penalty), rtol=1e-3)
    assert float(found) < 0.9


def test_what_it_does_not_depend_on(separable):
    """Scale and place of features, in an affine layer before the head, say nothing."""
    x, y = separable
    probe = LinearProbe()
    expected = float(probe.measure(x, y))
    np.testing.assert_allclose(probe.measure(7.0 * x - 3.0, y), expected, rtol=1e-3)
    noise = np.random.default_rng(1).normal(size=x.shape).astype("float32")
    assert float(probe.measure(x + 3.0 * noise, y)) < expected
    # Weights of 0 leave examples out of the heads and of what they are judged by.
    weights = np.r_[np.ones(300), np.zeros(203)]
    spoilt = np.where(weights[:, None] > 0, y, y[::-1])
    kept = [float(probe.measure(x, labels, weights)) for labels in (y, spoilt)]
    np.testing.assert_allclose(*kept, rtol=1e-4)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_batches_of_any_size_have_a_finite_value(separable, n):
    x, y = separable
    assert np.isfinite(LinearProbe().measure(x[:n], y[:n]))


def test_nothing_can_be_told_from_constant_features(separable):
    _, y = separable
    assert abs(float(LinearProbe().measure(tf.ones((503, 4)), y))) < 1e-6


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"examples": 1}, "`examples` must be an integer of at least 2.*1"),
        ({"examples": 2.5}, "`examples`"),
        ({"penalty": 0}, "`penalty` must be a positive, finite number.*0"),
        ({"penalty": float("inf")}, "`penalty`"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        LinearProbe(**kwargs)


class Blobs(keras_tuner.HyperModel):
    """Two operations, of which one throws away what tells the classes; a dense head."""

    def __init__(self, units=3, activation="softmax", loss="sparse_categorical_crossentropy"):
        super().__init__()
        self.units, self.activation, self.loss = units, activation, loss

    def build(self, hp):
        inputs = keras.Input((8,))
        operations = {
            "rest": lambda: keras.layers.Rescaling([0.0] * 4 + [1.0] * 4),
            "all": keras.layers.Identity,
        }
        x = OpChoice(hp, "op", operations)(inputs)
        x = OpChoice(hp, "again", {"a": keras.layers.Identity, "b": keras.layers.Identity})(x)
        x = keras.layers.Dense(self.units)(keras.layers.Dropout(0.5)(x))
        model = keras.Model(inputs, keras.layers.Activation(self.activation)(x))
        model.compile("sgd", self.loss, metrics=["accuracy"])
        return model


@pytest.fixture(scope="module")
def blobs():
    """`(x, y)`: 200 points; the first four of eight coordinates tell which of three classes."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 200)
    centres = np.c_[rng.normal(0, 2, size=(3, 4)), np.zeros((3, 4))]
    return (centres[y] + rng.normal(size=(200, 8))).astype("float32"), y


def test_a_score_has_it_beside_the_other_metrics(blobs):
    """Each architecture is judged by its own features, over all batches by their sizes."""
    x, y = blobs
    probe = LinearProbe(examples=20)
    supergraph = Supergraph(Blobs(), seed=0)
    scorer, plain = Scorer(supergraph, probe), Scorer(supergraph)
    batches = [(x[:120], y[:120]), (x[120:], y[120:])]
    for indices, features in (([0, 1], x * [0, 0, 0, 0, 1, 1, 1, 1]), ([1, 0], x)):
        found = scorer(indices, batches)
        first = by_hand(features[:120], np.eye(3)[y[:120]], 20, 0.1)
        second = by_hand(features[120:], np.eye(3)[y[120:]], 20, 0.1)
        expected = 0.6 * first + 0.4 * second
        np.testing.assert_allclose(found.pop("linear_probe"), expected, atol=1e-4)
        assert found == plain(indices, batches)
    assert scorer.traces == 1 and expected > 0.3


@pytest.mark.parametrize(
    ("kwargs", "labels"),
    [
        ({}, lambda y: y[:, None]),
        ({"loss": "categorical_crossentropy"}, lambda y: np.eye(3)[y]),
        ({"units": 1, "activation": "sigmoid", "loss": "binary_crossentropy"}, lambda y: y == 0),
    ],
)
def test_labels_are_classes_rows_or_numbers(blobs, kwargs, labels):
    x, y = blobs
    given = labels(y).astype("float32")
    found = Scorer(Supergraph(Blobs(**kwargs)), LinearProbe(20))([1, 0], [(x, given)])
    columns = given.reshape(200, -1) if given.size == 200 * kwargs.get("units", 3) else np.eye(3)[y]
    np.testing.assert_allclose(found["linear_probe"], by_hand(x, columns, 20, 0.1), atol=1e-4)


def test_a_search_goes_by_it(blobs, tmp_path):
    """The oracle earns it, the best has the most of it, and the objective stays the objective."""
    x, y = blobs
    earned = []

    class Heard(RandomOracle):
        def learn(self, architectures, rewards):
            earned.extend(zip(np.array(architectures)[:, 0].tolist(), rewards, strict=True))
            super().learn(architectures, rewards)

    tuner = ENASTuner(
        Blobs(),
        oracle=Heard("val_loss", max_trials=1, seed=0),
        reward=LinearProbe(examples=20),
        controller_updates=1,
        derive_samples=4,
        final_samples=4,
        directory=tmp_path,
    )
    validation = x[:100], y[:100]
    tuner.search(x, y, validation_data=validation, validation_batch_size=100, verbose=0)
    best, *_, worst = tuner.get_best_architectures(4)
    assert best.architecture.values["op"] == "all" and worst.architecture.values["op"] == "rest"
    expected = by_hand(x[:100], np.eye(3)[y[:100]], 20, 0.1)
    # The batch is shuffled, and so are the heads.
    np.testing.assert_allclose(best.score.reward, expected, atol=0.05)
    assert best.score.objective > 0
    assert min(r for op, r in earned if op) > max(r for op, r in earned if not op)
    # What is trained alone has a head of its own.
    opinion = tuner.derive(strategy=SuccessiveHalving(2))[0].second_opinion
    assert opinion.reward == -opinion.objective


def test_what_it_cannot_probe_is_refused_before_anything_is_written(blobs, tmp_path):
    class Pooled(Blobs):
        def build(self, hp):
            model = super().build(hp)
            outputs = keras.layers.Softmax()(model.layers[-3].output)
            model = keras.Model(model.inputs, outputs)
            model.compile("sgd", "sparse_categorical_crossentropy")
            return model

    with pytest.raises(
        ValueError, match=r"`reward`: a LinearProbe needs .*Dense.*ends in 'rescaling"
    ):
        ENASTuner(Pooled(), reward=LinearProbe(), directory=tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    tuner = ENASTuner(Blobs(), reward=LinearProbe(), directory=tmp_path, max_trials=1)
    x, y = blobs
    with pytest.raises(ValueError, match="at least 200. Received batches of .*examples"):
        tuner.search(x, y, validation_data=(x, y))
    with pytest.raises(ValueError, match=r"labels \(batch,\) or \(batch, 3\).*200, 2"):
        as_columns(np.zeros((200, 2)), 3)
