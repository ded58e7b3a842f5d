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
    order = np.argsort(tf.random.stateless_uniform([len(x)], (0, 0), alg="philox"), kind="stable")
    for mine in order[: heads * examples].reshape(heads, examples):
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
    """Scale and place of features, and how much all examples count."""
    x, y = separable
    probe = LinearProbe()
    expected = float(probe.measure(x, y))
    scales = np.geomspace(0.5, 20, 32).astype("float32")
    np.testing.assert_allclose(probe.measure(scales * x - 3.0, y), expected, rtol=0.02)
    for weight in (0.001, 7.0):
        weights = np.full(503, weight)
        np.testing.assert_allclose(probe.measure(x, y, weights), expected, rtol=1e-3)
    noise = np.random.default_rng(1).normal(size=x.shape).astype("float32")
    assert float(probe.measure(x + 3.0 * noise, y)) < expected


@pytest.mark.parametrize("order", ["in turn", "sorted"])
def test_the_order_of_classes_says_nothing(order):
    """As heads of neighbouring rows, or of every k-th, would have it."""
    rng = np.random.default_rng(0)
    classes = np.arange(500) % 10
    x = 2.0 * np.eye(10)[classes] + rng.normal(size=(500, 10))
    x, y = x.astype("float32"), np.eye(10, dtype="float32")[classes]
    shuffled = rng.permutation(500)
    expected = float(LinearProbe().measure(x[shuffled], y[shuffled]))
    if order == "sorted":
        x, y = (part[np.argsort(classes, kind="stable")] for part in (x, y))
    assert expected > 0.2
    np.testing.assert_allclose(LinearProbe().measure(x, y), expected, atol=0.05)


def test_examples_of_no_weight_say_nothing(separable):
    x, y = separable
    weights = np.r_[np.ones(300), np.zeros(203)]
    others = np.where(weights[:, None] > 0, y, y[::-1])
    kept = [float(LinearProbe().measure(x, labels, weights)) for labels in (y, others)]
    np.testing.assert_allclose(*kept, rtol=1e-4)
    assert kept[0] != pytest.approx(float(LinearProbe().measure(x, y)), rel=0.01)


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
        ({"penalty": 0}, "`penalty` must be a finite number of at least 1e-6.*0"),
        ({"penalty": True}, "`penalty`"),
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
    with pytest.raises(ValueError, match="`reward` must be a callable"):
        ENASTuner(Blobs(), reward=LinearProbe, directory=tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


class Headed(Blobs):
    """Its head is a choice: the child has one, the supergraph does not."""

    def build(self, hp):
        inputs = keras.Input((8,))
        heads = {"a": lambda: keras.layers.Dense(3), "b": lambda: keras.layers.Dense(3, "relu")}
        outputs = keras.layers.Softmax()(OpChoice(hp, "op", heads)(inputs))
        model = keras.Model(inputs, outputs)
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model


@pytest.mark.parametrize(
    ("hypermodel", "labels", "kwargs", "message"),
    [
        (
            Blobs(),
            lambda y: y,
            {"validation_batch_size": 30},
            r"at least 200; .*Received batches of \[28, 29\].*`examples`",
        ),
        (Headed(), lambda y: y, {"validation_batch_size": 200}, "needs a network that ends in"),
        (
            Blobs(units=2, activation="linear", loss="mse"),
            lambda y: y[:, None] + 0.5,
            {"validation_batch_size": 200},
            "labels of 2 columns, or classes from 0 to 1.*from 0.5 to 2.5",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_round(
    hypermodel, labels, kwargs, message, blobs, tmp_path
):
    x, y = blobs
    tuner = ENASTuner(
        hypermodel, "val_loss", reward=LinearProbe(), directory=tmp_path, max_trials=1
    )
    with pytest.raises(ValueError, match=message):
        tuner.search(x, labels(y), validation_data=(x, labels(y)), **kwargs)
    assert not tuner.oracle.trials


def test_labels_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"labels \(batch,\) or \(batch, 3\).*200, 2"):
        as_columns(np.zeros((200, 2)), 3)


def test_inside_another_reward_it_says_so():
    with pytest.raises(ValueError, match="must itself be the `reward`"):
        LinearProbe()({"loss": 1.0, "accuracy": 0.5}, None)


class Unsteady(Blobs):
    """One of its operations gives infinite features."""

    def build(self, hp):
        operations = {
            "fine": keras.layers.Identity,
            "infinite": lambda: keras.layers.Rescaling(float("inf")),
        }
        model = keras.Sequential(
            [keras.Input((8,)), OpChoice(hp, "op", operations), keras.layers.Dense(3, "softmax")]
        )
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model


def test_what_is_not_finite_is_not_a_number_and_ends_nothing(blobs):
    x, y = blobs
    scorer = Scorer(Supergraph(Unsteady()), LinearProbe(20))
    assert np.isnan(scorer([1], [(x, y)])["linear_probe"])
    found = scorer([0], [(x, y)])["linear_probe"]
    np.testing.assert_allclose(found, by_hand(x, np.eye(3)[y], 20, 0.1), atol=1e-4)


def test_batches_are_as_large_as_it_needs(blobs, tmp_path):
    """In a process that has not searched, too, unless another size is asked for."""
    x, y = blobs
    settings = {"seed": 0, "reward": LinearProbe(50), "directory": tmp_path, "max_trials": 1}
    settings.update(controller_updates=1, final_samples=4)
    tuner = ENASTuner(Blobs(), **settings)
    tuner.search(x, y, validation_data=(x, y), verbose=0)
    assert min(tuner.search_data[1].sizes) >= 100 > min(tuner.search_data[1].sizes) - 50
    again = ENASTuner(Blobs(), **settings)
    with pytest.raises(ValueError, match="LinearProbe of 50 examples needs validation batches"):
        again.derive(validation_data=(x, y), batch_size=32)
    with pytest.raises(ValueError, match="LinearProbe of 50 examples needs validation batches"):
        few = x[:80], y[:80]
        again.rank_correlation(2, x, y, validation_data=few, epochs=1)
    assert not list(tmp_path.rglob("rank_correlation.json"))
    scored = [one.score for one in again.derive(validation_data=(x, y))]
    assert scored == [one.score for one in tuner.derive()]
    found = again.rank_correlation(3, x, y, validation_data=(x, y), epochs=1)
    assert "shared weights" in found.figures
