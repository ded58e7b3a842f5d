"""Published architectures: their texts, and the networks that they are."""

import itertools
import json

import keras
import pytest

from keras_enas import published
from keras_enas.cost import count_parameters
from keras_enas.hypermodels import HyperMacroCNN, HyperMicroCNN, HyperRecurrentLM
from keras_enas.hypermodels.children import space_of

# As the released codes write them.
MACRO_SCRIPT = """
0 | 3 0 | 0 1 0 | 2 0 0 1 | 2 0 0 0 0 | 3 1 1 0 1 0 | 2 0 0 0 0 0 1 | 2 0 1 1 0 1 1 1
1 0 1 1 1 0 1 0 1 | 0 0 0 0 0 0 0 0 0 0 | 2 0 0 0 0 0 1 0 0 0 0 | 0 1 0 0 1 1 0 0 0 0 1 1
2 0 1 0 0 0 0 0 1 0 1 1 0 | 1 0 0 1 0 0 0 1 1 1 0 1 0 1 | 0 1 1 0 1 0 1 0 0 0 0 0 1 0 0
2 0 0 1 0 0 0 0 0 0 0 1 0 1 0 1 | 2 0 1 0 0 0 1 0 0 1 1 1 1 0 0 1 0
2 0 0 0 0 1 0 1 0 1 0 0 1 0 1 0 0 1 | 3 0 1 1 0 1 0 0 0 0 0 1 0 1 0 1 0 0 0
3 0 1 1 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 1 | 0 1 0 0 1 0 1 1 0 0 0 1 0 0 0 0 0 1 1 0 0
3 0 1 0 1 1 0 0 1 0 1 1 0 1 1 0 1 0 0 1 0 0 | 0 1 0 1 0 1 0 0 0 0 0 0 0 0 1 0 1 0 0 1 0 0 0
0 1 1 0 0 0 1 1 1 0 1 0 0 0 1 0 1 0 0 1 1 0 0 0
"""
MICRO_SCRIPT = """
0 2 0 0 | 0 4 0 1 | 0 4 1 1 | 1 0 0 1 | 0 2 1 1
1 0 1 0 | 0 3 0 2 | 1 1 3 1 | 1 0 0 4 | 0 3 1 1
"""
RECURRENT_SCRIPT = "0 | 0 0 | 1 1 | 2 1 | 2 0 | 2 0 | 5 1 | 1 0 | 6 1 | 8 1 | 8 1 | 8 1"
CORRECTED_README = "0 2 1 0 2 1 2 2 4 0 5 0 3 2 6 2"
DARTS_IN_THE_SAME = "0 2 1 1 1 1 1 3 2 0 5 2 3 0 5 1"
OTHER_ORDER = ("tanh", "relu", "identity", "sigmoid")

RECURRENT = [one for one in published.ALL if one.space == "recurrent"]
MICRO = [one for one in published.ALL if one.space == "micro"]


def small_space(architecture):
    """The decisions of a space in which an architecture can be said."""
    settings = {**architecture.settings, "filters": 2}
    if architecture.space == "macro":
        return space_of(HyperMacroCNN((8, 8, 3), 2, **settings))
    if architecture.space == "micro":
        settings = {**settings, "num_layers": 1, "reductions": None}
        return space_of(HyperMicroCNN((8, 8, 3), 2, **settings))
    return space_of(HyperRecurrentLM(10, **{**architecture.settings, "units": 2}))


@pytest.mark.parametrize("architecture", published.ALL, ids=lambda one: one.name)
def test_texts_are_read_and_printed(architecture):
    space = small_space(architecture)
    parsed = space.parse(architecture.text)
    assert str(parsed) == architecture.text
    assert space.from_values(parsed.values) == parsed


@pytest.mark.parametrize(
    "architecture, text, length",
    [
        (published.ENAS_MACRO, MACRO_SCRIPT, 300),
        (published.ENAS_MICRO, MICRO_SCRIPT, 40),
        (published.ENAS_RECURRENT, RECURRENT_SCRIPT, 23),
        (published.ENAS_RECURRENT_CORRECTED, CORRECTED_README, 16),
        (published.DARTS_RECURRENT, DARTS_IN_THE_SAME, 16),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_they_are_what_the_codes_release(architecture, text, length):
    numbers = [int(token) for token in text.replace("|", " ").split()]
    assert list(small_space(architecture).parse(architecture.text).indices) == numbers
    assert len(numbers) == length


def test_what_the_release_trains_has_plain_convolutions():
    """Ids 1 and 3 as 0 and 2; the skips stay."""
    searched = small_space(published.ENAS_MACRO).parse(published.ENAS_MACRO.text).values
    trained = published.ENAS_MACRO_RELEASED
    trained = small_space(trained).parse(trained.text).values
    for name, value in searched.items():
        assert trained[name] == (value.replace("sep", "conv") if name.endswith("/op") else value)


@pytest.mark.parametrize("architecture", published.ALL, ids=lambda one: one.name)
def test_each_says_where_it_is_from(architecture):
    assert "/" in architecture.source and architecture.figures
    for figure in architecture.figures:
        assert figure.quantity and figure.source
    json.dumps(architecture.settings)
    hash(architecture)


def test_names_and_texts_differ():
    assert len({one.name for one in published.ALL}) == len(published.ALL)
    for a, b in itertools.combinations(published.ALL, 2):
        assert a.text != b.text


def test_one_of_another_space_is_refused():
    with pytest.raises(ValueError, match="has no candidate"):
        HyperMicroCNN((8, 8, 3), 2, num_layers=1).build_architecture(published.ENAS_MACRO)


@pytest.mark.parametrize("architecture", MICRO, ids=lambda one: one.name)
def test_cells_build_and_join_what_they_should(architecture):
    settings = {**architecture.settings, "num_layers": 1, "filters": 4, "reductions": None}
    child = HyperMicroCNN((8, 8, 3), 2, **settings).build_architecture(architecture)
    joined = [x for x in child.layers if isinstance(x, keras.layers.Concatenate)]
    parts = [x.output.shape[-1] // filters for x, filters in zip(joined, (4, 8, 16), strict=True)]
    # A normal cell and two reduction cells.
    expected = {
        "ENAS micro": [5, 4, 4],
        "NASNet-A (6 @ 768)": [6, 4, 4],
        "AmoebaNet-A (6, 36)": [4, 5, 5],
        "PNASNet-5": [5, 5, 5],
        "DARTS, second order": [4, 4, 4],
    }
    assert parts == expected[architecture.name]


def recurrent_layer(model):
    (layer,) = model.recurrent_layers
    return layer


@pytest.mark.parametrize("architecture", RECURRENT, ids=lambda one: one.name)
def test_recurrent_cells_build_what_they_say(architecture):
    settings = {**architecture.settings, "units": 3}
    child = HyperRecurrentLM(10, **settings).build_architecture(architecture)
    cell = recurrent_layer(child).cell
    labels = [cell.activations[f] for f in (cell.first, *(f for _, f in cell.nodes))]
    written = architecture.text.split(" | ")
    if "first_activation" in settings:
        written.insert(0, settings["first_activation"])
    assert len(labels) == len(written) == settings["num_nodes"]
    assert labels == [node.split()[-1] for node in written]
    assert [source for source, _ in cell.nodes] == [int(node.split()[0]) for node in written[1:]]
    # The loose ends, or all but the first.
    expected = {
        "ENAS recurrent": [3, 4, 7, 9, 10, 11],
        "ENAS recurrent, of the corrected code": [1, 2, 3, 4, 5, 6, 7, 8],
        "DARTS recurrent, second order": [1, 2, 3, 4, 5, 6, 7, 8],
    }
    assert cell.decisions().ends == expected[architecture.name]
    assert recurrent_layer(child).dropout == settings.get("state_dropout", 0.25)


def test_recurrent_cells_of_another_size_or_order_are_refused_or_mean_the_same():
    architecture = published.ENAS_RECURRENT_CORRECTED
    with pytest.raises(ValueError, match="cell/node_"):
        HyperRecurrentLM(10, 12, 2).build_architecture(architecture)
    other = {**architecture.settings, "units": 2, "activations": list(OTHER_ORDER)}
    cell = recurrent_layer(HyperRecurrentLM(10, **other).build_architecture(architecture)).cell
    assert [cell.activations[f] for _, f in cell.nodes] == [
        node.split()[1] for node in architecture.text.split(" | ")
    ]


@pytest.mark.parametrize(
    "architecture, count, published_millions",
    [
        # An embedding, which is the softmax too; the input's matrix and one for each of the
        # nodes, each with as many columns again for the gate. No bias.
        (published.ENAS_RECURRENT, 10_000 * 748 + 13 * 748 * 2 * 748, None),
        (published.ENAS_RECURRENT_CORRECTED, 10_000 * 800 + 10 * 800 * 2 * 800, None),
        (published.DARTS_RECURRENT, 10_000 * 850 + 10 * 850 * 2 * 850, 22.96),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_parameters_of_recurrent_cells(architecture, count, published_millions):
    child = HyperRecurrentLM(10_000, **architecture.settings).build_architecture(architecture)
    assert count_parameters(child) == count
    assert count in (22_027_104, 20_800_000, 22_950_000)
    if published_millions is not None:
        # DARTS' softmax has a bias.
        assert (count + 10_000) / 1e6 == published_millions
        (stated,) = (x.value for x in architecture.figures if x.quantity.startswith("param"))
        assert stated == published_millions


# Everything of which ours has more, for it always puts one 1x1 convolution more before the
# second input of a cell, as ENAS does: filters of the cells, how many of each.
SECOND_INPUT = {
    "NASNet-A (6 @ 768)": ((32, 6), (64, 7), (128, 7)),
    "AmoebaNet-A (6, 36)": ((36, 6), (72, 7), (144, 7)),
    "PNASNet-5": ((48, 3), (96, 3), (192, 3)),
    "DARTS, second order": ((36, 6), (72, 7), (144, 7)),
}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", MICRO[1:], ids=lambda one: one.name)
def test_parameters_are_the_published_ones_but_for_what_differs(architecture):
    hypermodel = HyperMicroCNN((32, 32, 3), 10, **architecture.settings)
    child = hypermodel.build_architecture(architecture)
    count = count_parameters(child)
    count -= sum(n * (f * f + 2 * f) for f, n in SECOND_INPUT[architecture.name])
    if architecture is published.AMOEBANET_A:
        # Its code puts a bottleneck of a quarter of the channels around 1x7 and 7x1.
        for f in (72, 144):
            count -= 14 * f * f + 4 * f
            quarter = f // 4
            count += 2 * f * quarter + 14 * quarter**2 + 6 * quarter + 2 * f
    (millions,) = (x.value for x in architecture.figures if x.quantity.startswith("parameters"))
    digits = len(str(millions).partition(".")[2])
    assert round(count / 1e6, digits) == millions
    if architecture is published.NASNET_A:
        assert child.layers[-4].input.shape[-1] == 768
    if architecture is published.DARTS:
        # Its dense layer has a bias of 10.
        assert count + 10 == 3_349_342


@pytest.mark.slow
def test_the_macro_network_with_separable_convolutions():
    """Of k x k filters each, only one is left for each channel, and a 1x1 convolution."""
    architecture = published.ENAS_MACRO
    hypermodel = HyperMacroCNN((32, 32, 3), 10, **architecture.settings)
    count = count_parameters(hypermodel.build_architecture(architecture))
    layers = [line.split()[0] for line in architecture.text.split("|")]
    for k, label in enumerate(layers):
        filters = 96 * 2 ** ((k > 7) + (k > 15))
        if label.startswith("sep"):
            area = int(label[-1]) ** 2
            count += area * filters**2 - (area * filters + filters**2)
    assert count == 42_559_392
