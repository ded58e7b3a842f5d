import keras
import numpy as np

from keras_enas.layers import WordDropout
from keras_enas.layers.stock import to_keras


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


def test_the_layer_is_read_back():
    layer = WordDropout(7, 0.1, seed=3)
    config = keras.saving.serialize_keras_object(layer)
    assert keras.saving.deserialize_keras_object(config).get_config() == layer.get_config()


def test_an_export_leaves_it_out():
    tokens = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(7, 2)(tokens)
    model = keras.Model(tokens, WordDropout(7, 0.5)([tokens, embedded]))
    stock = to_keras(model)
    assert [type(x).__name__ for x in stock.layers] == ["InputLayer", "Embedding"]
    x = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(np.array(stock(x)), np.array(model(x)))
