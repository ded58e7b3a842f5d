"""Decisions, spaces and architectures as plain data."""

import copy
import json
import pickle

import numpy as np
import pytest

from keras_enas.search_space import Architecture, Decision, SearchSpace, record, recorded_space


def cell_like():
    return SearchSpace(
        [
            Decision("stem", "op", ("a", "b-2", "c.3")),
            Decision("cell/left", "input", (0, 1)),
            Decision("cell/right", "input", (0, 1, 2)),
            Decision("cell/op", "op", ("x", "y")),
            Decision("cell/skip/0", "skip", (0, 1), "cell/skip"),
            Decision("cell/skip/1", "skip", (0, 1), "cell/skip"),
            Decision("out/skip/0", "skip", (0, 1), "out/skip"),
            Decision("out/skip/1", "skip", (0, 1), "out/skip"),
        ]
    )


@pytest.fixture(params=["macro", "cell"])
def space(request, macro_space):
    return macro_space(5) if request.param == "macro" else cell_like()


def test_the_papers_macro_space_has_its_size(macro_space):
    space = macro_space(12)
    assert len(space) == 78
    assert space.size == 6**12 * 2**66
    assert f"{space.size:.1e}" == "1.6e+29"
    assert "78 decisions (12 op, 0 input, 66 skip), 1.61e+29" in repr(space)


def test_text_round_trip(space):
    for indices in space.random(50, np.random.default_rng(0)):
        architecture = space.architecture(indices)
        assert "\n" not in str(architecture)
        assert space.parse(str(architecture)) == architecture
        assert space.parse(f"  {str(architecture).replace('|', '  ')}\n") == architecture


def test_text_is_what_it_says(macro_space):
    space = macro_space(3)
    text = "conv3 | sep5 1 | max3 01"
    assert str(space.architecture([0, 3, 1, 5, 0, 1])) == text
    assert space.parse(text).indices == (0, 3, 1, 5, 0, 1)
    assert space.parse("0 3 1 5 0 1").indices == (0, 3, 1, 5, 0, 1)
    assert repr(space.parse(text)) == f"<Architecture {text}>"
    cell = cell_like().architecture([1, 1, 2, 0, 0, 1, 1, 0])
    assert str(cell) == "b-2 | 1 2 x 01 | 10"


def test_json_and_pickle_round_trip(space):
    for indices in space.random(10, np.random.default_rng(0)):
        architecture = space.architecture(indices)
        text = architecture.to_json()
        assert json.loads(text)["architecture"] == str(architecture)
        for again in (
            Architecture.from_json(text),
            pickle.loads(pickle.dumps(architecture)),
            copy.deepcopy(architecture),
        ):
            assert again == architecture and again.space == space
    assert SearchSpace.from_config(json.loads(json.dumps(space.get_config()))) == space


def test_json_of_something_else_is_refused():
    with pytest.raises(ValueError, match="not that of an architecture"):
        Architecture.from_json('{"values": {}}')
    with pytest.raises(ValueError, match="not that of an architecture"):
        Architecture.from_json("[1]")


def test_hyperparameters_round_trip(space):
    import keras_tuner

    hp = keras_tuner.HyperParameters()
    hp.Float("learning_rate", 0.01, 1.0, default=0.1)
    for indices in space.random(5, np.random.default_rng(0)):
        architecture = space.architecture(indices)
        for given in (architecture.to_hyperparameters(), architecture.to_hyperparameters(hp)):
            assert Architecture.from_hyperparameters(space, given) == architecture
            assert space.from_values(given) == architecture
            assert space.from_values(given.values) == architecture
            assert len([p for p in given.space if p.name in architecture.values]) == len(space)
        assert given.get("learning_rate") == 0.1
    assert list(hp.values) == ["learning_rate"]


def test_architectures_are_immutable_values(space):
    first, second = (space.architecture([0] * len(space)) for _ in range(2))
    other = space.architecture([1] + [0] * (len(space) - 1))
    assert first == second and hash(first) == hash(second) and len({first, second, other}) == 2
    assert first != first.indices and len(first) == len(space)
    for change in (
        lambda: setattr(first, "indices", (1,)),
        lambda: setattr(first, "new", 1),
        lambda: delattr(first, "indices"),
    ):
        with pytest.raises(AttributeError):
            change()
    assert first[space.decisions[0].name] == space.decisions[0].candidates[0]


def test_steps_and_blocks():
    space = cell_like()
    assert space.steps == ((0, 1), (1, 2), (2, 3), (3, 4), (4, 6), (6, 8))
    assert space.blocks == (((0, 1),), ((1, 2), (2, 3), (3, 4), (4, 6)), ((6, 8),))


def test_random_covers_all_candidates_evenly(space):
    drawn = space.random(2000, np.random.default_rng(0))
    assert drawn.dtype == np.int32 and drawn.shape == (2000, len(space))
    for column, decision in zip(drawn.T, space, strict=True):
        shares = np.bincount(column, minlength=len(decision.candidates)) / 2000
        # Five standard deviations of a share of 1/n: with a fixed seed no false alarm at all.
        n = len(decision.candidates)
        assert np.abs(shares - 1 / n).max() < 5 * np.sqrt(1 / n * (1 - 1 / n) / 2000)


@pytest.mark.parametrize(
    "text, message",
    [
        ("conv3 | sep5 1", "ends before decision 'layer_2/op'"),
        ("conv3 | sep5 1 | max3 0", "'layer_2/skip' takes 2 bits. Received '0'"),
        ("conv3 | sep5 1 | max3 02", "'layer_2/skip' takes 2 bits"),
        ("conv3 | sep5 1 | max3 011", "'layer_2/skip' takes 2 bits"),
        ("conv3 | blue 1 | max3 01", "'layer_1/op' has no candidate 'blue'"),
        ("conv3 | 6 1 | max3 01", "'layer_1/op' has no candidate '6'"),
        ("conv3 | sep5 1 | max3 01 | sep3", "'sep3' is left over"),
        ([0, 1], r"`text` must be a string.*Received: \[0, 1\]"),
    ],
)
def test_text_of_another_space_is_refused(macro_space, text, message):
    with pytest.raises(ValueError, match=message):
        macro_space(3).parse(text)


@pytest.mark.parametrize(
    "indices, message",
    [
        ([0, 0, 0], "6 decisions"),
        ([0, 6, 0, 0, 0, 0], "Index 6 is out of range for decision 'layer_1/op'"),
        ([0, 0, -1, 0, 0, 0], "Index -1 is out of range for decision 'layer_1/skip/0'"),
        ([0, 0, 2, 0, 0, 0], "'layer_1/skip/0', which has 2"),
        ([0.0, 0.0, 0.0, 0.0, 0.0, 0.0], "integer"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(macro_space, indices, message):
    space = macro_space(3)
    with pytest.raises(ValueError, match=message):
        space.check(indices)
    with pytest.raises(ValueError, match=message):
        space.check([indices] * 2)
    with pytest.raises(ValueError, match=message):
        space.architecture(indices)


def test_values_that_do_not_fit_are_refused(macro_space):
    space = macro_space(2)
    with pytest.raises(ValueError, match=r"\['layer_1/skip/0'\]"):
        space.from_values({"layer_0/op": "conv3", "layer_1/op": "conv3"})
    with pytest.raises(ValueError, match="'layer_1/op' has no candidate 'red'"):
        space.from_values({"layer_0/op": "conv3", "layer_1/op": "red", "layer_1/skip/0": 0})


def test_decisions_that_make_no_sense_are_refused():
    for arguments, message in (
        (("d", "ops", ("a",)), "'d' must be one of"),
        (("d", "op", ()), "'d' is empty"),
        (("d", "op", ("a", "a")), "'d' repeats"),
        (("d", "op", ("a b",)), "label 'a b'"),
        (("d", "op", ("12",)), "label '12'"),
        (("d", "op", (3,)), "label 3"),
    ):
        with pytest.raises(ValueError, match=message):
            Decision(*arguments)
    with pytest.raises(ValueError, match="named 'd'"):
        SearchSpace([Decision("d", "op", ("a",)), Decision("d", "op", ("a",))])


def test_difference_names_what_differs(macro_space):
    space = macro_space(3)
    assert space.difference(macro_space(3)) == ""
    assert "only in the second: ['layer_3/op'" in space.difference(macro_space(4))
    assert "only in the first: ['layer_2/op'" in space.difference(macro_space(2))
    changed = SearchSpace([Decision("layer_0/op", "op", ("a", "b")), *space.decisions[1:]])
    assert "'layer_0/op' is op of ['conv3'" in space.difference(changed)
    assert "and op of ['a', 'b'] in the second" in space.difference(changed)
    turned = SearchSpace(space.decisions[::-1])
    assert space != turned and "another order" in space.difference(turned)


def test_decisions_are_noted_once_in_order():
    class Notes:
        pass

    hp = Notes()
    assert len(recorded_space(hp)) == 0
    for decision in (*cell_like(), cell_like().decisions[0]):
        record(hp, decision)
    assert recorded_space(hp) == cell_like()
    with pytest.raises(ValueError, match="'stem' but differ"):
        record(hp, Decision("stem", "op", ("a",)))


def test_reading_architectures_loads_no_tensorflow(run_python):
    script = (
        "import sys, keras_enas; from keras_enas import Architecture, SearchSpace; "
        "from keras_enas.search_space import Decision; "
        "space = SearchSpace([Decision('a', 'op', ('x', 'y'))]); "
        "print(space.parse('y'), [m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    assert run_python("-c", script).strip() == "y []"


def test_public_names_are_listed():
    import keras_enas

    assert {"Architecture", "OpChoice", "Supergraph", "HyperMacroCNN"} <= set(dir(keras_enas))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        keras_enas.Nothing  # noqa: B018
