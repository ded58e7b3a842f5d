import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.layers import ActivationPenalty, WordDropout


def test_dropped_words_are_dropped_everywhere():
    layer = WordDropout(50, 0.4, seed=0)
    tokens = np.random.default_rng(0).integers(0, 50, (20, 30)).astype("int32")
    embedded = np.ones((20, 30, 3), "float32")
    np.testing.assert_array_equal(layer([tokens, embedded]), embedded)
    outputs = np.array(layer([tokens, embedded], training=True))
    factors = {int(word): set(np.unique(outputs[tokens == word])) for word in np.unique(tokens)}
    kept = np.float32(1 / 0.6)
    assert all(len(found) == 1 for found in factors.values())
    assert {value for found in factors.values() for value in found} == {np.float32(0), kept}
    again = np.array(layer([tokens, embedded], training=True))
    assert (again != outputs).any()


def test_penalties_are_means_while_training():
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    layer = ActivationPenalty(l2=2.0, slowness=3.0)
    np.testing.assert_array_equal(layer(x), x)
    assert layer.losses == []
    layer(x, training=True)
    l2, slowness = (float(loss) for loss in layer.losses)
    assert l2 == pytest.approx(2 * (x**2).mean(), rel=1e-5)
    assert slowness == pytest.approx(3 * ((x[:, 1:] - x[:, :-1]) ** 2).mean(), rel=1e-5)


def test_a_single_step_has_no_slowness():
    layer = ActivationPenalty(slowness=1.0)
    layer(tf.ones((2, 1, 3)), training=True)
    assert [float(loss) for loss in layer.losses] == [0.0]


@pytest.mark.parametrize(
    "layer", [WordDropout(7, 0.1, seed=3), ActivationPenalty(l2=0.1, slowness=0.2)]
)
def test_layers_are_read_back(layer):
    config = keras.saving.serialize_keras_object(layer)
    assert keras.saving.deserialize_keras_object(config).get_config() == layer.get_config()
