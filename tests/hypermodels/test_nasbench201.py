"""The space of NAS-Bench-201, against rows of its published table."""

import csv
import gzip
import hashlib
import pathlib

import keras
import numpy as np
import pytest

from keras_enas import to_keras
from keras_enas.cost import count_parameters
from keras_enas.hypermodels import HyperMacroCNN, HyperNASBench201
from keras_enas.hypermodels.children import space_of
from keras_enas.layers import Zeros
from keras_enas.supergraph import Scorer, Supergraph, inherit

# The benchmark's text, parameters and operations of full-size networks for CIFAR-10.
ROWS = """
|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2| 129306 16315008
|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2| 802426 114905728
|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|avg_pool_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2| 559386 79229568
|nor_conv_1x1~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|none~1|avg_pool_3x3~2| 372346 51991168
|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2| 802426 114905728
|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|avg_pool_3x3~1|skip_connect~2| 802426 114905728
|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2| 858426 123343488
|skip_connect~0|+|nor_conv_1x1~0|none~1|+|avg_pool_3x3~0|none~1|skip_connect~2| 101306 12096128
|nor_conv_3x3~0|+|skip_connect~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|skip_connect~2| 559386 79229568
|nor_conv_1x1~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|none~0|nor_conv_1x1~1|nor_conv_3x3~2| 615386 87667328
|skip_connect~0|+|avg_pool_3x3~0|none~1|+|nor_conv_1x1~0|skip_connect~1|avg_pool_3x3~2| 101306 12096128
|nor_conv_1x1~0|+|none~0|nor_conv_1x1~1|+|none~0|nor_conv_1x1~1|nor_conv_1x1~2| 185306 24752768
|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2| 1073466 154800768
"""  # noqa: E501
ROWS = [(text, int(a), int(b)) for text, a, b in map(str.split, ROWS.strip().splitlines())]


# SHA-256 of a line "text parameters operations" for each of the 15,625 rows of the table, in the
# order of their operations.
DIGEST = "e4df308396e5ca73c3debb60b8c4f4dde9b8d1b75e110107f5fcd94bf4e444d3"


@pytest.fixture(scope="module")
def full():
    return HyperNASBench201((32, 32, 3), 10)


@pytest.fixture(scope="module")
def small():
    return HyperNASBench201((8, 8, 3), 3, cells_per_stage=1, filters=2)


def test_the_space_has_15625_cells(small):
    space = space_of(small)
    assert space.size == 15_625
    assert [decision.name for decision in space] == [
        "node_1/from_0",
        "node_2/from_0",
        "node_2/from_1",
        "node_3/from_0",
        "node_3/from_1",
        "node_3/from_2",
    ]


def test_text_parameters_and_operations_of_the_table(full):
    for text, parameters, flops in ROWS:
        architecture = full.parse(text)
        assert full.text_of(architecture) == text
        assert full.count_parameters(architecture) == parameters, text
        assert full.count_flops(architecture.indices) == flops, text


def test_a_full_size_network_has_the_parameters_of_the_table(full):
    for text, parameters, _ in ROWS[1:3]:
        assert count_parameters(full.build_architecture(text)) == parameters


@pytest.mark.parametrize("shape, cells, filters", [((8, 8, 3), 1, 3), ((9, 6, 1), 2, 4)])
def test_parameters_are_those_of_what_is_built(shape, cells, filters):
    hypermodel = HyperNASBench201(shape, 7, cells_per_stage=cells, filters=filters)
    for text, _, _ in ROWS[1:3]:
        child = hypermodel.build_architecture(text)
        assert count_parameters(child) == hypermodel.count_parameters(hypermodel.parse(text))


def test_texts_parameters_and_operations_of_all_cells(full):
    digest = hashlib.sha256()
    for row in range(5**6):
        cell = np.unravel_index(row, (5,) * 6)
        counts = f"{full.count_parameters(cell)} {full.count_flops(cell)}"
        digest.update(f"{full.text_of(cell)} {counts}\n".encode())
    assert digest.hexdigest() == DIGEST


def test_a_cell_is_an_architecture_a_text_or_indices(full):
    text, parameters, flops = ROWS[0]
    architecture = full.parse(text)
    for one in (architecture, str(architecture), text, architecture.indices):
        assert full.text_of(one) == text
        assert full.count_parameters(one) == parameters
        assert full.count_flops(one) == flops
        assert full.simplest(one) == full.simplest(architecture)
    other = space_of(HyperMacroCNN((8, 8, 3), 3, num_layers=2, filters=2))
    stranger = other.architecture([0] * len(other))
    for wrong in ((1, 1, 1), (9,) * 6, None, 1.5, "abc", "|none~0|", stranger):
        for method in (
            full.text_of,
            full.count_parameters,
            full.count_flops,
            full.simplest,
            full.build_architecture,
        ):
            with pytest.raises(ValueError, match="architecture|`text`|no candidate"):
                method(wrong)


@pytest.mark.slow
def test_all_rows_of_the_table(full, pytestconfig):
    folder = pytestconfig.getoption("data")
    if folder is None:
        pytest.skip("needs --data with nasbench201/nasbench201.csv.gz")
    path = pathlib.Path(folder) / "nasbench201" / "nasbench201.csv.gz"
    space, number = space_of(full), 0
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            labels = [edge.split("~")[0] for edge in row["arch_str"].split("|") if "~" in edge]
            values = dict(zip((d.name for d in space), labels, strict=True))
            architecture = space.from_values(values)
            assert full.text_of(architecture) == row["arch_str"]
            assert full.count_parameters(architecture) == int(row["params_cifar10"])
            assert full.count_flops(architecture) == int(row["flops_cifar10"])
            number += 1
    assert number == 15_625


def test_stages_halve_and_double():
    child = HyperNASBench201((8, 8, 3), 3, cells_per_stage=2, filters=4).build_architecture(
        ROWS[1][0]
    )
    sums = [x.output.shape[1:] for x in child.layers if isinstance(x, keras.layers.Add)]
    # Two cells with two sums each (node 1 has one edge), and the residual block.
    assert sums == [(8, 8, 4)] * 4 + [(4, 4, 8)] * 5 + [(2, 2, 16)] * 5


def test_nothing_gives_zeros_and_is_known_to_stock_keras(small, images):
    x, _ = images(2)
    np.testing.assert_array_equal(np.array(Zeros()(x)), np.zeros_like(x))
    child = small.build_architecture("none | skip_connect none | nor_conv_3x3 avg_pool_3x3 none")
    stock = to_keras(child)
    assert {type(layer).__module__.partition(".")[0] for layer in stock.layers} == {"keras"}
    np.testing.assert_allclose(np.array(stock(x)), np.array(child(x)), atol=1e-6)


def test_a_child_computes_what_the_supergraph_does(small, images):
    supergraph = Supergraph(small, seed=0)
    x, y = images(16)
    supergraph.fit(x, y, batch_size=8, verbose=0)
    scorer = Scorer(supergraph)
    for text, _, _ in ROWS[:2]:
        architecture = small.parse(text)
        child = small.build_architecture(architecture)
        inherit(supergraph.network, child, architecture)
        inherited = np.array(supergraph(x, architecture=architecture))
        np.testing.assert_allclose(np.array(child(x)), inherited, rtol=1e-5, atol=1e-6)
        scorer(architecture.indices, [(x, y)])
    assert (supergraph.train_traces, scorer.traces) == (1, 1)


@pytest.mark.parametrize(
    "edges, expected",
    [
        # The second node goes nowhere; nothing comes to it; both; nothing at all is left.
        ("3 | 3 2 | 2 4 0", "3 | 0 0 | 2 4 0"),
        ("0 | 0 2 | 2 4 1", "0 | 0 0 | 2 0 0"),
        ("0 | 3 4 | 2 1 0", "0 | 0 0 | 2 0 0"),
        ("3 | 0 2 | 0 0 0", "0 | 0 0 | 0 0 0"),
        ("3 | 3 2 | 2 4 1", "3 | 3 2 | 2 4 1"),
        ("3 | 0 2 | 0 0 1", "3 | 0 2 | 0 0 1"),
    ],
)
def test_what_goes_nowhere_is_taken_out(small, edges, expected):
    space = space_of(small)
    found = small.simplest(space.architecture([int(i) for i in edges if i.isdigit()]))
    assert found.indices == tuple(int(i) for i in expected if i.isdigit())
    assert small.simplest(str(found)) == found


def test_the_simplest_form_is_the_same_network(small, images):
    x, y = images(16)
    space, rng = space_of(small), np.random.default_rng(0)
    scorer = Scorer(Supergraph(small, seed=0))
    changed = 0
    for indices in space.random(40, rng):
        simple = small.simplest(space.architecture(indices)).indices
        changed += simple != tuple(indices)
        assert scorer(indices, [(x, y)]) == scorer(np.array(simple), [(x, y)])
    assert changed > 5
    cells = np.stack(np.unravel_index(np.arange(15_625), (5,) * 6), 1)
    left = {small.simplest(space.architecture(cell)).indices for cell in cells.tolist()}
    assert len(left) == 9_445


def test_children_are_built_deeper_and_wider():
    hypermodel = HyperNASBench201(
        (8, 8, 3), 3, cells_per_stage=1, filters=2, child_cells=2, child_filters=4
    )
    wide = HyperNASBench201((8, 8, 3), 3, cells_per_stage=2, filters=4)
    architecture = hypermodel.parse(ROWS[1][0])
    assert count_parameters(hypermodel.build_architecture(architecture)) == wide.count_parameters(
        architecture
    )
    assert (hypermodel.cells_per_stage, hypermodel.filters) == (1, 2)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"input_shape": (8, 8)}, "`input_shape` must be"),
        ({"num_classes": 1}, "`num_classes`"),
        ({"cells_per_stage": 0}, "`cells_per_stage`"),
        ({"filters": 0}, "`filters`"),
        ({"child_cells": 0}, "`child_cells`"),
        ({"child_filters": 1.5}, "`child_filters`"),
        ({"optimizer": "adam"}, "`optimizer` must be a callable"),
        ({"dropout": 1}, "`dropout` must be a number in"),
        ({"dropout": True}, "`dropout`"),
        ({"learning_rate": -1}, "`learning_rate` must be a number of at least 0"),
        ({"learning_rate": "0.1"}, "`learning_rate`"),
        ({"weight_decay": -1e-4}, "`weight_decay` must be a number of at least 0"),
        ({"weight_decay": float("nan")}, "`weight_decay`"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        HyperNASBench201(**{"input_shape": (8, 8, 3), "num_classes": 3, **kwargs})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nor_conv_3x3 | none none | none none none",
        None,
        "|none~0|+|none~0|none~1|",
        "|none~0|+|none~1|none~0|+|none~0|none~1|none~2|",
        ROWS[0][0] + "x",
    ],
)
def test_other_texts_are_refused(small, text):
    with pytest.raises(ValueError, match="`text` must have the form of the benchmark"):
        small.parse(text)


def test_unknown_operations_are_refused(small):
    with pytest.raises(ValueError, match="has no candidate 'conv'"):
        small.parse("|conv~0|+|none~0|none~1|+|none~0|none~1|none~2|")
