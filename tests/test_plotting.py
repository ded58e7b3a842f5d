"""The drawing of an architecture."""

import sys

import pytest

from keras_enas.plotting import _columns, _rails, plot_architecture
from keras_enas.search_space import Decision, SearchSpace

OPS = ("conv3", "sep3", "max3")


def cell_space():
    decisions = []
    for cell in ("normal", "reduction"):
        for node in range(3):
            for side in (1, 2):
                name = f"{cell}/node_{node}"
                decisions.append(Decision(f"{name}/input_{side}", "input", tuple(range(node + 2))))
                decisions.append(Decision(f"{name}/op_{side}", "op", OPS))
    return SearchSpace(decisions)


def test_macro_skips_are_drawn_from_the_stem_and_the_layers(macro_space):
    architecture = macro_space(4).parse("conv3 | sep3 1 | max3 01 | conv3 101")
    (nodes,) = _columns(architecture).values()
    assert [node.name for node in nodes] == ["stem", "layer_0", "layer_1", "layer_2", "layer_3"]
    assert [node.labels for node in nodes[1:]] == [("conv3",), ("sep3",), ("max3",), ("conv3",)]
    # Rows: the stem is 0, layer k is k + 1. The immediate predecessor is never among them.
    assert _rails(nodes) == {0: [2, 4], 1: [3], 2: [4]}


def test_cells_are_columns_with_their_own_inputs():
    space = cell_space()
    chosen = [0, 0, 1, 1, 2, 2, 0, 0, 3, 1, 2, 0]
    columns = _columns(space.architecture(chosen + [0] * 12))
    assert list(columns) == ["normal", "reduction"]
    nodes = columns["normal"]
    assert [n.name for n in nodes] == ["input 0", "input 1", "node_0", "node_1", "node_2"]
    assert nodes[2].labels == ("conv3", "sep3")
    assert _rails(nodes) == {0: [2, 3], 1: [2], 2: [3, 4], 3: [4]}


def test_choices_outside_a_scope_form_a_chain():
    decisions = []
    for k in range(3):
        decisions.append(Decision(f"op_{k}", "op", OPS))
        decisions += [Decision(f"skip_{k}/{i}", "skip", (0, 1), f"skip_{k}") for i in range(k)]
    (nodes,) = _columns(SearchSpace(decisions).architecture([0, 1, 1, 2, 0, 1])).values()
    assert [node.name for node in nodes] == ["stem", "op_0", "op_1", "op_2"]
    assert _rails(nodes) == {0: [2], 1: [3]}


def test_the_last_few_outputs_may_be_offered_instead_of_all():
    decisions = []
    for k in range(3):
        name = f"block_{k}"
        decisions.append(Decision(f"{name}/source", "input", (0, 1)))
        decisions.append(Decision(f"{name}/op", "op", OPS))
        decisions.append(Decision(f"{name}/skip/0", "skip", (0, 1), f"{name}/skip"))
    architecture = SearchSpace(decisions).parse("0 conv3 1 | 1 sep3 0 | 0 max3 1")
    (nodes,) = _columns(architecture).values()
    assert [n.name for n in nodes] == ["input 0", "input 1", "block_0", "block_1", "block_2"]
    assert _rails(nodes) == {0: [2], 1: [2], 2: [3, 4], 3: [4]}


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_writes_a_file(macro_space, tmp_path, ending):
    pytest.importorskip("matplotlib")
    space = macro_space(24)
    architecture = space.architecture([i % 2 for i in range(len(space))])
    path = tmp_path / f"best.{ending}"
    figure = plot_architecture(architecture, path)
    assert path.stat().st_size > 10_000
    assert figure.get_size_inches()[1] < 14


def test_all_boxes_and_lines_lie_on_the_page(macro_space):
    pytest.importorskip("matplotlib")
    for architecture in (
        macro_space(12).architecture([1] * 78),
        cell_space().architecture([1] * 24),
    ):
        (axes,) = plot_architecture(architecture).axes
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        for line in axes.lines:
            assert left < min(line.get_xdata()) and max(line.get_xdata()) < right
            assert bottom < min(line.get_ydata()) and max(line.get_ydata()) < top
        for text in axes.texts:
            assert left < text.get_position()[0] < right
            assert bottom < text.get_position()[1] < top


def test_refuses_what_is_no_architecture():
    with pytest.raises(ValueError, match=r"must be a keras_enas\.Architecture"):
        plot_architecture("conv3 | sep3 1")


def test_names_the_extra_that_brings_matplotlib(macro_space, monkeypatch):
    for name in [n for n in sys.modules if n.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"keras-enas\[examples\]"):
        plot_architecture(macro_space(2).parse("conv3 | sep3 0"))
