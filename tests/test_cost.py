import keras
import pytest

from keras_enas.cost import count_flops, count_parameters
from keras_enas.hypermodels import HyperRecurrentLM

UNITS, VOCABULARY, NODES = 8, 50, 3
# A product of one row with the input's matrix, with one matrix a node, and the softmax.
MATRICES = 2 * UNITS * (2 * UNITS * (1 + NODES) + VOCABULARY)


def language_model(text="sigmoid | 0 identity | 0 relu", **kwargs):
    settings = {"vocabulary_size": VOCABULARY, "num_nodes": NODES, "units": UNITS, **kwargs}
    return HyperRecurrentLM(**settings).build_architecture(text)


def test_of_a_text_of_no_fixed_length_a_token_is_counted(capfd):
    count = count_flops(language_model())
    # Gates, their mean and its bound are a few operations a unit.
    assert MATRICES < count < 1.1 * MATRICES
    # What the profiler cannot count it says, on the output of the process.
    assert "incomplete" not in "".join(capfd.readouterr())


def test_each_part_of_a_language_model_counts():
    count = count_flops(language_model())
    more_words = count_flops(language_model(vocabulary_size=VOCABULARY + 10))
    assert more_words - count == 2 * UNITS * 10
    more_nodes = count_flops(language_model("sigmoid | 0 identity | 0 relu | 1 relu", num_nodes=4))
    # A matrix more, and three operations for its gate; there are two loose ends again.
    assert more_nodes - count == 2 * UNITS * 2 * UNITS + 3 * UNITS


def test_a_text_of_fixed_length_is_counted_as_a_whole():
    model = language_model()
    token = count_flops(model)
    counts = []
    for steps in (1, 2, 5):
        tokens = keras.Input((steps,), dtype="int32")
        counts.append(count_flops(keras.Model(tokens, model(tokens))))
    assert counts[0] == token
    assert counts[2] - counts[1] == 3 * (counts[1] - counts[0]) > 2.9 * MATRICES


def test_counting_leaves_the_model_as_it_was():
    model = language_model()
    weights = model.get_weights()
    parameters, layers = count_parameters(model), list(model.layers)
    count_flops(model)
    assert count_parameters(model) == parameters and list(model.layers) == layers
    assert all((a == b).all() for a, b in zip(weights, model.get_weights(), strict=True))


def test_an_image_model_counts_what_it_multiplies():
    model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3, use_bias=False)])
    assert count_flops(model) == pytest.approx(2 * 4 * 4 * 4 * 27)
