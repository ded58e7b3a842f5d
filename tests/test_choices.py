"""The words of a hypermodel with plain HyperParameters: every stock tuner searches the space."""

import keras
import keras_tuner
import numpy as np
import pytest

from keras_enas.choices import (
    IndexChoice,
    InputChoice,
    Keyed,
    LooseEnds,
    OpChoice,
    SkipChoice,
)
from keras_enas.search_space import recorded_space

DENSE = {
    "linear": lambda: keras.layers.Dense(4),
    "tanh": lambda: keras.layers.Dense(4, activation="tanh"),
    "none": lambda: keras.layers.Identity(),
}


def names(hp):
    return [p.name for p in hp.space]


def test_one_choice_a_decision_with_the_chosen_layer():
    hp = keras_tuner.HyperParameters()
    layer = OpChoice(hp, "op", DENSE)
    assert isinstance(layer, keras.layers.Dense) and layer.activation is keras.activations.linear
    assert [(p.name, p.values) for p in hp.space] == [("op", ["linear", "tanh", "none"])]
    hp.values["op"] = "none"
    assert isinstance(OpChoice(hp, "op", DENSE), keras.layers.Identity)
    assert len(hp.space) == 1
    space = recorded_space(hp)
    assert [(d.name, d.kind, d.candidates) for d in space] == [
        ("op", "op", ("linear", "tanh", "none"))
    ]


def test_only_the_chosen_factory_is_called():
    hp = keras_tuner.HyperParameters()

    def never():
        raise AssertionError("called")

    OpChoice(hp, "op", {"a": lambda: keras.layers.Identity(), "b": never})


def test_input_choice_gives_one_of_the_tensors():
    hp = keras_tuner.HyperParameters()
    tensors = [keras.Input((3,)) for _ in range(3)]
    assert InputChoice(hp, "source")(tensors) is tensors[0]
    hp.values["source"] = 2
    assert InputChoice(hp, "source")(tensors) is tensors[2]
    assert [(p.name, p.values) for p in hp.space] == [("source", [0, 1, 2])]


def test_skip_choice_adds_what_was_chosen():
    hp = keras_tuner.HyperParameters()
    inputs = keras.Input((3,))
    earlier = [keras.layers.Rescaling(10.0**i)(inputs) for i in (1, 2)]
    y, passed_on = SkipChoice(hp, "skip")(inputs, earlier)
    assert y is inputs and passed_on == earlier
    assert names(hp) == ["skip/0", "skip/1"]
    for bits, factor in (((1, 0), 11), ((0, 1), 101), ((1, 1), 111)):
        hp.values.update({"skip/0": bits[0], "skip/1": bits[1]})
        y, _ = SkipChoice(hp, "skip")(inputs, earlier)
        outputs = np.array(keras.Model(inputs, y)(np.ones((1, 3), "float32")))
        np.testing.assert_allclose(outputs, np.full((1, 3), factor), rtol=1e-6)
    assert SkipChoice(hp, "nothing")(inputs, []) == (inputs, [])
    assert len(recorded_space(hp)) == 2
    assert [d.group for d in recorded_space(hp)] == ["skip", "skip"]


def test_index_choice_gives_a_number():
    hp = keras_tuner.HyperParameters()
    assert IndexChoice(hp, "f", ["tanh", "relu"]) == 0
    assert IndexChoice(hp, "one", 1) == 0
    hp.values.update({"f": "relu", "source": 2})
    with hp.name_scope("cell"):
        hp.values["cell/source"] = 1
        assert IndexChoice(hp, "source", 3) == 1
    assert IndexChoice(hp, "f", ("tanh", "relu")) == 1
    assert [(d.name, d.kind, d.candidates) for d in recorded_space(hp)] == [
        ("f", "op", ("tanh", "relu")),
        ("one", "input", (0,)),
        ("cell/source", "input", (0, 1, 2)),
    ]
    assert isinstance(IndexChoice(hp, "f", ("tanh", "relu")), int)


def test_scopes_and_loops():
    hp = keras_tuner.HyperParameters()
    x = keras.Input((4,))
    for i in range(2):
        with hp.name_scope(f"layer_{i}"):
            x = OpChoice(hp, "op", DENSE)(x)
            with hp.name_scope("inner"):
                source = InputChoice(hp, "source")
                skip = SkipChoice(hp, "skip")
        # Called outside, they still stand where they were written.
        x = source([x, x])
        x, _ = skip(x, [x])
    expected = [
        f"layer_{i}/{name}" for i in range(2) for name in ("op", "inner/source", "inner/skip/0")
    ]
    assert names(hp) == expected
    assert [d.name for d in recorded_space(hp)] == expected


def test_a_decision_may_be_used_in_several_places():
    hp = keras_tuner.HyperParameters()
    hp.values["cell/op"] = "tanh"
    layers = []
    for _ in range(3):
        with hp.name_scope("cell"):
            layers.append(OpChoice(hp, "op", DENSE))
    assert len({id(layer) for layer in layers}) == 3
    assert all(layer.activation is keras.activations.tanh for layer in layers)
    assert len(recorded_space(hp)) == len(hp.space) == 1


def test_keyed_gives_the_layer_of_the_row():
    hp = keras_tuner.HyperParameters()
    with hp.name_scope("a"):
        OpChoice(hp, "op", DENSE)
        assert isinstance(Keyed(hp, "op", lambda: keras.layers.Dense(2)), keras.layers.Dense)
        only = Keyed(hp, "op", lambda: keras.layers.Dense(2), only=["tanh"])
        assert only("anything") == "anything"
        hp.values["a/op"] = "tanh"
        only = Keyed(hp, "op", lambda: keras.layers.Dense(2), only=["tanh"])
        assert isinstance(only, keras.layers.Dense)
        InputChoice(hp, "source")([1, 2])
        both = Keyed(hp, ["op", "source"], lambda: keras.layers.Dense(2))
        assert isinstance(both, keras.layers.Dense)
    assert names(hp) == ["a/op", "a/source"]


def identity():
    return keras.layers.Identity()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda hp: OpChoice(hp, "op", {}), "OpChoice 'op' must be a dict"),
        (lambda hp: OpChoice(hp, "op", [identity]), "OpChoice 'op' must be a dict"),
        (lambda hp: OpChoice(hp, "op", {"a": None}), "'a' of OpChoice 'op' must be a callable"),
        (
            lambda hp: OpChoice(hp, "op", {"a": keras.layers.Identity()}),
            "'a' of OpChoice 'op' must be a callable that returns a new",
        ),
        (lambda hp: OpChoice(hp, "op", {"a": lambda: 3}), "'a' of OpChoice 'op'"),
        (lambda hp: OpChoice(hp, "op", {"a b": identity}), "label 'a b'"),
        (lambda hp: InputChoice(hp, "source")([]), "'source' was called on an empty list"),
        (lambda hp: IndexChoice(hp, "i", 0), "IndexChoice 'i' must be a list of labels"),
        (lambda hp: IndexChoice(hp, "i", []), "IndexChoice 'i' must be a list of labels"),
        (lambda hp: IndexChoice(hp, "i", True), "IndexChoice 'i' must be a list of labels"),
        (lambda hp: IndexChoice(hp, "i", "tanh"), "IndexChoice 'i' must be a list of labels"),
        (lambda hp: IndexChoice(hp, "i", ["a b"]), "label 'a b'"),
        (lambda hp: Keyed(hp, "op", identity), "no decision is named 'op' yet"),
    ],
)
def test_bad_choices_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(keras_tuner.HyperParameters())


def test_bad_keys_are_refused():
    hp = keras_tuner.HyperParameters()
    OpChoice(hp, "op", DENSE)
    InputChoice(hp, "source")([1, 2])
    with pytest.raises(ValueError, match="'op' has no candidate 'blue'"):
        Keyed(hp, "op", identity, only=["blue"])
    with pytest.raises(ValueError, match="`only` goes with a single"):
        Keyed(hp, ["op", "source"], identity, only=["linear"])


@pytest.mark.parametrize(
    "second",
    [
        lambda hp: OpChoice(hp, "op", {"linear": identity, "other": identity}),
        lambda hp: OpChoice(hp, "op", dict(reversed(DENSE.items()))),
        lambda hp: InputChoice(hp, "op")([1, 2, 3]),
        lambda hp: IndexChoice(hp, "op", 3),
    ],
)
def test_two_choices_of_one_name_with_different_candidates_are_refused(second):
    hp = keras_tuner.HyperParameters()
    OpChoice(hp, "op", DENSE)
    with pytest.raises(ValueError, match="Two choices are named 'op' but differ"):
        second(hp)


def test_input_choices_of_one_name_need_one_length():
    hp = keras_tuner.HyperParameters()
    InputChoice(hp, "source")([1, 2])
    with pytest.raises(ValueError, match="Two choices are named 'source' but differ"):
        InputChoice(hp, "source")([1, 2, 3])


class Small(keras_tuner.HyperModel):
    """All the words, and a hyperparameter besides, on four numbers."""

    def build(self, hp):
        inputs = keras.Input((4,))
        x = inputs
        earlier = []
        for i in range(2):
            with hp.name_scope(f"layer_{i}"):
                y = OpChoice(hp, "op", DENSE)(x)
                y = Keyed(hp, "op", lambda: keras.layers.Dense(4), only=["none"])(y)
                y = InputChoice(hp, "source")([x, y])
                y, earlier = SkipChoice(hp, "skip")(y, earlier)
            earlier = [*earlier, x]
            x = y
        model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
        rate = hp.Float("rate", 0.01, 0.1, sampling="log")
        model.compile(
            keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        return model


# Of the Gaussian process on as few trials as these.
@pytest.mark.filterwarnings("ignore:The optimal value found")
@pytest.mark.parametrize("tuner_class", ["RandomSearch", "BayesianOptimization", "Hyperband"])
def test_stock_tuners_search_the_space(tuner_class, tmp_path):
    limit = {"max_epochs": 2} if tuner_class == "Hyperband" else {"max_trials": 3}
    if tuner_class == "BayesianOptimization":
        limit["num_initial_points"] = 2
    tuner = getattr(keras_tuner, tuner_class)(
        Small(), objective="val_accuracy", seed=1, directory=str(tmp_path), **limit
    )
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 4)).astype("float32"), rng.integers(0, 3, 16)
    tuner.search(x, y, validation_data=(x, y), epochs=1, batch_size=8, verbose=0)
    best = tuner.get_best_hyperparameters()[0]
    hp = keras_tuner.HyperParameters()
    Small().build(hp)
    space = recorded_space(hp)
    assert [d.name for d in space] == [
        "layer_0/op",
        "layer_0/source",
        "layer_1/op",
        "layer_1/source",
        "layer_1/skip/0",
    ]
    architecture = space.from_values(best)
    child = Small().build(architecture.to_hyperparameters())
    assert child.count_params() == tuner.hypermodel.build(best).count_params()
    tried = {space.from_values(t.hyperparameters) for t in tuner.oracle.trials.values()}
    assert len(tried) > 1


def test_input_choice_passes_its_tensors_on():
    tensors = [keras.Input((2,)) for _ in range(3)]
    hp = keras_tuner.HyperParameters()
    hp.values["x"] = 1
    chosen, passed_on = InputChoice(hp, "x", pass_on=True)(tensors)
    assert chosen is tensors[1]
    assert passed_on == tensors


def test_loose_ends_are_what_no_choice_took():
    def build(hp):
        nodes = [keras.Input((2,), name=f"in_{i}") for i in range(2)]
        inputs = list(nodes)
        for i in range(2):
            x, nodes = InputChoice(hp, f"input_{i}", pass_on=True)(nodes)
            nodes = [*nodes, keras.layers.Dense(2, name=f"node_{i}")(x)]
        names = ["input_0", "input_1"]
        out = LooseEnds(hp, names, lambda: keras.layers.Dense(3, use_bias=False))(nodes)
        return keras.Model(inputs, out)

    def ends(**values):
        hp = keras_tuner.HyperParameters()
        hp.values.update(values)
        model = build(hp)
        return {
            layer.input._keras_history.operation.name
            for layer in model.layers
            if isinstance(layer, keras.layers.Dense) and layer.units == 3
        }

    assert ends(input_0=0, input_1=2) == {"in_1", "node_1"}
    assert ends(input_0=0, input_1=1) == {"node_0", "node_1"}
    assert ends(input_0=1, input_1=1) == {"in_0", "node_0", "node_1"}


def test_loose_ends_need_a_tensor_that_no_choice_was_offered():
    hp = keras_tuner.HyperParameters()
    tensors = [keras.Input((2,)) for _ in range(2)]
    with pytest.raises(ValueError, match="no decision is named 'x'"):
        LooseEnds(hp, ["x"], keras.layers.Identity)
    InputChoice(hp, "x")(tensors)
    with pytest.raises(ValueError, match="must be one that no choice was offered"):
        LooseEnds(hp, ["x"], keras.layers.Identity)(tensors)
