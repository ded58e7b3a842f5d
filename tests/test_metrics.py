import keras
import numpy as np
import pytest

from keras_enas.metrics import Perplexity


def batches():
    """Two batches of different numbers of steps: labels and probabilities."""
    rng = np.random.default_rng(0)
    found = []
    for steps in (7, 2):
        p = rng.random((3, steps, 5)) + 0.01
        y = rng.integers(0, 5, (3, steps))
        found.append((y.astype("int32"), (p / p.sum(-1, keepdims=True)).astype("float32")))
    return found


def surprises(y, p):
    return -np.log(np.take_along_axis(p, y[..., None], -1))[..., 0]


@pytest.mark.parametrize("from_logits", [False, True])
def test_every_token_counts_the_same(from_logits):
    metric = Perplexity(from_logits=from_logits)
    for y, p in batches():
        metric.update_state(y, np.log(p) if from_logits else p)
    tokens = np.concatenate([surprises(y, p).ravel() for y, p in batches()])
    assert tokens.size == 27
    np.testing.assert_allclose(float(metric.result()), np.exp(tokens.mean()), rtol=1e-5)
    # The mean of the batches' own perplexities is another number.
    each = [np.exp(surprises(y, p).mean()) for y, p in batches()]
    assert abs(np.mean(each) - np.exp(tokens.mean())) > 1e-2
    metric.reset_state()
    y, p = batches()[1]
    metric.update_state(y, np.log(p) if from_logits else p)
    np.testing.assert_allclose(float(metric.result()), each[1], rtol=1e-5)


def test_weights_of_tokens_and_of_streams():
    y, p = batches()[0]
    rng = np.random.default_rng(1)
    for weights in (rng.random(3), rng.random((3, 7))):
        metric = Perplexity()
        metric.update_state(y, p, sample_weight=weights)
        full = np.broadcast_to(weights.reshape(3, -1), (3, 7))
        expected = np.exp(np.average(surprises(y, p), weights=full))
        np.testing.assert_allclose(float(metric.result()), expected, rtol=1e-5)


def test_it_is_read_back_and_means_less_is_better():
    metric = Perplexity(from_logits=True, name="ppl")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert isinstance(copy, Perplexity) and copy.from_logits and copy.name == "ppl"
    stopping = keras.callbacks.EarlyStopping(monitor="perplexity")
    model = keras.Sequential([keras.Input((2, 3)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[Perplexity()])
    y = np.zeros((4, 2), "int32")
    model.fit(np.zeros((4, 2, 3), "float32"), y, verbose=0, callbacks=[stopping])
    assert stopping.monitor_op(1.0, 2.0)
