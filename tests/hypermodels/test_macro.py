"""The macro space of the paper."""

import keras
import keras_tuner
import numpy as np
import pytest

from keras_enas import published
from keras_enas.cost import count_parameters
from keras_enas.hypermodels import HyperMacroCNN
from keras_enas.layers import FactorizedReduction, ReLUConvNorm
from keras_enas.search_space import recorded_space
from keras_enas.supergraph import Supergraph

OPS = ("conv3", "sep3", "conv5", "sep5", "avg3", "max3")


def child_of(hypermodel, **values):
    hp = keras_tuner.HyperParameters()
    hp.values.update(values)
    return hypermodel.build(hp), recorded_space(hp)


def test_the_space_is_the_papers():
    _, space = child_of(HyperMacroCNN((8, 8, 3), 10, filters=2))
    assert len(space) == 78 and space.size == 6**12 * 2**66
    assert space.size == pytest.approx(1.6e29, rel=0.01)
    for k in range(12):
        assert space.decisions[k * (k + 1) // 2].name == f"layer_{k}/op"
        assert space.decisions[k * (k + 1) // 2].candidates == OPS
        bits = [d for d in space if d.group == f"layer_{k}/skip"]
        # To every earlier layer but the predecessor; the stem stands before layer 0.
        assert len(bits) == k


def test_all_six_operations_differ(images):
    """In the released code they did not. Same weights wherever two operations have the same."""
    x, _ = images(3)
    outputs = {}
    for op in OPS:
        keras.utils.set_random_seed(0)
        child, _ = child_of(
            HyperMacroCNN((8, 8, 3), 3, num_layers=1, filters=4), **{"layer_0/op": op}
        )
        for variable in child.variables:
            if "seed" not in variable.path:
                variable.assign(np.random.default_rng(0).normal(0.5, 1, variable.shape) ** 2)
        logits = keras.Model(child.input, child.layers[-2].output)
        outputs[op] = np.array(logits(x))
    for i, a in enumerate(OPS):
        for b in OPS[i + 1 :]:
            assert np.abs(outputs[a] - outputs[b]).max() > 1e-4, (a, b)


def test_the_operations_are_what_their_names_say():
    kinds = {}
    for op in OPS:
        child, _ = child_of(
            HyperMacroCNN((8, 8, 3), 3, num_layers=1, filters=4), **{"layer_0/op": op}
        )
        kinds[op] = [type(x).__name__ for x in child.layers[3:]], child.count_params()
        sizes = [
            getattr(x, "kernel_size", getattr(x, "pool_size", None))
            for x in child.layers
            if "Conv2D" in type(x).__name__ or "Pooling2D" in type(x).__name__
        ]
        assert sizes[1] == (int(op[-1]),) * 2
    assert kinds["conv3"][0][:3] == ["ConvNormActivation", "Conv2D", "NormActivation"]
    assert kinds["sep5"][0][:3] == ["ConvNormActivation", "SeparableConv2D", "NormActivation"]
    assert kinds["avg3"][0][:2] == ["ConvNormActivation", "AveragePooling2D"]
    assert kinds["max3"][0][:2] == ["ConvNormActivation", "MaxPooling2D"]
    # A convolution brings its kernel and a normalisation (gamma, beta, two averages of 4).
    pooling = kinds["avg3"][1]
    assert {op: kinds[op][1] - pooling - 16 for op in OPS[:4]} == {
        "conv3": 9 * 16,
        "sep3": 9 * 4 + 16,
        "conv5": 25 * 16,
        "sep5": 25 * 4 + 16,
    }
    assert kinds["max3"][1] == pooling


@pytest.mark.parametrize(
    "num_layers, expected",
    [(12, (3, 7)), (24, (7, 15)), (6, (1, 3)), (3, (0, 1)), (2, ()), (1, ())],
)
def test_reductions_after_a_third_and_two(num_layers, expected):
    assert HyperMacroCNN((8, 8, 3), 3, num_layers=num_layers).reductions == expected


def test_every_output_so_far_is_halved():
    # All skips on, so that nothing is left out.
    hypermodel = HyperMacroCNN((8, 8, 3), 3, num_layers=6, filters=2)
    values = {f"layer_{k}/skip/{i}": 1 for k in range(6) for i in range(k)}
    child, _ = child_of(hypermodel, **values)
    halved = [x.input.shape[1] for x in child.layers if isinstance(x, FactorizedReduction)]
    # The stem and 2 layers from 8 to 4, the stem and 4 layers from 4 to 2.
    assert sorted(halved) == [4] * 5 + [8] * 3
    assert child.layers[-5].output.shape[1:] == (2, 2, 2)


def test_the_predecessor_is_always_the_input(images):
    """Without skips the network is a chain."""
    child, _ = child_of(HyperMacroCNN((8, 8, 3), 3, num_layers=3, filters=2))
    consumers = {}
    for layer in child.layers:
        for node in layer._inbound_nodes:
            for tensor in node.input_tensors:
                consumers.setdefault(id(tensor), set()).add(layer.name)
    assert all(len(names) == 1 for names in consumers.values())


@pytest.mark.parametrize("shape", [(8, 8, 1), (4, 4, 3), (9, 7, 2), (33, 16, 5)])
@pytest.mark.parametrize("classes", [2, 7])
def test_any_input_and_any_number_of_classes(shape, classes, images):
    values = {f"layer_{k}/skip/{i}": 1 for k in range(3) for i in range(k)}
    child, _ = child_of(HyperMacroCNN(shape, classes, num_layers=3, filters=3), **values)
    x, _ = images(2, shape)
    outputs = np.array(child(x))
    assert outputs.shape == (2, classes)
    np.testing.assert_allclose(outputs.sum(-1), 1, rtol=1e-5)


def test_large_images():
    supergraph = Supergraph(HyperMacroCNN((256, 256, 3), 1000, num_layers=3, filters=2))
    x = np.zeros((1, 256, 256, 3), "float32")
    architecture = supergraph.space.architecture([0] * len(supergraph.space))
    assert supergraph(x, architecture=architecture).shape == (1, 1000)


def test_arguments_change_the_network():
    hypermodel = HyperMacroCNN(
        (8, 8, 3),
        3,
        num_layers=1,
        filters=3,
        operations=["max3", "conv3"],
        dropout=0.4,
        learning_rate=0.2,
        weight_decay=0.01,
    )
    child, space = child_of(hypermodel)
    assert space.decisions[0].candidates == ("max3", "conv3")
    assert next(x for x in child.layers if isinstance(x, keras.layers.Dropout)).rate == 0.4
    assert float(child.optimizer.learning_rate) == pytest.approx(0.2)
    assert child.optimizer.weight_decay == 0.01 and child.optimizer.nesterov
    own = HyperMacroCNN(
        (8, 8, 3),
        3,
        num_layers=2,
        filters=3,
        operations={"one": lambda f: keras.layers.Conv2D(f, 1), "two": keras.layers.Dense},
        optimizer=lambda: keras.optimizers.Adam(0.5),
    )
    child, space = child_of(own, **{"layer_1/op": "two"})
    assert space.decisions[0].candidates == ("one", "two")
    assert isinstance(child.optimizer, keras.optimizers.Adam)
    assert sum(isinstance(x, keras.layers.Dense) for x in child.layers) == 2


def test_the_final_form_concatenates_and_doubles():
    hypermodel = HyperMacroCNN((8, 8, 3), 3, num_layers=3, filters=4, form="final")
    # Layer 0, halved; layer 1, which skips to the stem, halved; layer 2, which skips to nothing.
    child = hypermodel.build_architecture("conv3 | max3 1 | sep5 00")
    joined = [x for x in child.layers if isinstance(x, keras.layers.Concatenate)]
    assert [x.output.shape[1:] for x in joined] == [(4, 4, 2 * 8)]
    # In layer 2 too, so that the weights do not depend on what is skipped.
    joins = [x for x in child.layers if isinstance(x, ReLUConvNorm)]
    assert [(x.input.shape[-1], x.output.shape[1:]) for x in joins] == [
        (16, (4, 4, 8)),
        (16, (2, 2, 16)),
    ]
    assert not [x for x in child.layers if isinstance(x, keras.layers.Add)]
    reductions = [x for x in child.layers if isinstance(x, FactorizedReduction)]
    # The stem and layer 0 to 8 channels; of the three then, layer 2 takes its predecessor alone.
    assert sorted(x.filters for x in reductions) == [8, 8, 16]


def test_the_published_network_has_42559392_parameters():
    """As counted from the released code, which trains plain convolutions for separable ones."""
    architecture = published.ENAS_MACRO_RELEASED
    hypermodel = HyperMacroCNN((32, 32, 3), 10, **architecture.settings)
    assert count_parameters(hypermodel.build_architecture(architecture)) == 42_559_392


def test_the_final_form_shares_no_weights():
    hypermodel = HyperMacroCNN((8, 8, 3), 3, num_layers=2, filters=2, form="final")
    with pytest.raises(ValueError, match="`form='final'` is for children"):
        Supergraph(hypermodel)


def test_children_are_built_wider_and_in_the_final_form():
    hypermodel = HyperMacroCNN(
        (8, 8, 3), 3, num_layers=3, filters=2, child_filters=4, child_form="final", name="mine"
    )
    searched, space = child_of(hypermodel)
    child = hypermodel.build_architecture(str(space.architecture([0] * len(space))))
    assert {x.filters for x in searched.layers if isinstance(x, FactorizedReduction)} == {2}
    assert {x.filters for x in child.layers if isinstance(x, FactorizedReduction)} == {8, 16}
    assert (hypermodel.filters, hypermodel.form) == (2, "search")
    assert hypermodel.for_children().name == "mine"


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"input_shape": (8, 8)}, "`input_shape` must be"),
        ({"input_shape": (8, 8, 0)}, "`input_shape` must be"),
        ({"input_shape": (8, 3, 3)}, "at least 4x4"),
        ({"num_classes": 1}, "`num_classes`"),
        ({"num_layers": 0}, "`num_layers`"),
        ({"filters": 1}, "`filters`"),
        ({"operations": ["conv7"]}, "`operations` must be some of"),
        ({"operations": []}, "`operations` must be some of"),
        ({"form": "last"}, "`form` must be one of"),
        ({"child_form": "last"}, "`child_form` must be one of"),
        ({"child_filters": 1}, "`child_filters`"),
        ({"optimizer": "adam"}, "`optimizer` must be a callable"),
        ({"learning_rate": -1}, "`learning_rate` must be a number of at least 0"),
        ({"dropout": 2}, "`dropout` must be a number in"),
        ({"weight_decay": "a"}, "`weight_decay` must be a number"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        HyperMacroCNN(**{"input_shape": (8, 8, 3), "num_classes": 3, **kwargs})
