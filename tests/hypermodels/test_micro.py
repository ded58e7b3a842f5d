"""The micro space of the paper, and the form in which its cells were trained."""

import keras
import keras_tuner
import numpy as np
import pytest

from keras_enas import training
from keras_enas.cost import count_parameters
from keras_enas.hypermodels import HyperMicroCNN
from keras_enas.hypermodels.children import space_of
from keras_enas.layers import FactorizedReduction, ReLUConvNorm
from keras_enas.layers.regularization import DropPath
from keras_enas.search_space import recorded_space
from keras_enas.supergraph import Supergraph, inherit

# scripts/cifar10_micro_final.sh of the released code.
NORMAL = "0 2 0 0 | 0 4 0 1 | 0 4 1 1 | 1 0 0 1 | 0 2 1 1"
REDUCTION = "1 0 1 0 | 0 3 0 2 | 1 1 3 1 | 1 0 0 4 | 0 3 1 1"
PUBLISHED = f"{NORMAL} | {REDUCTION}"
ENAS = ("sep3", "sep5", "avg3", "max3", "identity")


def small(**kwargs):
    kwargs = {"num_layers": 1, "filters": 4, "num_blocks": 2, **kwargs}
    return HyperMicroCNN((8, 8, 3), 3, **kwargs)


@pytest.fixture(scope="module")
def papers_space():
    """The space of the paper; that of every depth and width is the same."""
    return space_of(HyperMicroCNN((8, 8, 3), 10, num_layers=1, filters=2))


def child_of(hypermodel, space, text):
    """As `build_architecture`, which takes twice as long: it finds out the space first."""
    return hypermodel.build(space.parse(text).to_hyperparameters())


def test_the_space_is_the_papers(papers_space):
    space = papers_space
    assert len(space) == 40
    choices = [len(d.candidates) for d in space]
    # input, operation, input, operation; 2 to 6 nodes to choose among.
    assert choices == [n for i in range(2, 7) for n in (i, 5, i, 5)] * 2
    assert [d.kind for d in space] == ["input", "op"] * 20
    assert all(d.candidates == ENAS for d in space if d.kind == "op")
    assert [d.scope for d in space][::4] == [
        f"{cell}/block_{i}" for cell in ("normal", "reduction") for i in range(5)
    ]
    # The paper counts neither orderings nor second inputs apart: (5 * (B - 2)!)^4, B = 7.
    assert (5 * np.prod(range(1, 6))) ** 4 == pytest.approx(1.3e11, rel=0.01)


def test_all_architectures_are_counted(papers_space):
    # Per cell: the product over blocks of (nodes * operations)^2.
    cell = np.prod([float((n * 5) ** 2) for n in range(2, 7)])
    assert papers_space.size == pytest.approx(cell**2)
    assert cell == pytest.approx(5.06e12, rel=0.01)


@pytest.mark.parametrize(
    "num_layers, expected", [(6, (2, 5)), (15, (5, 11)), (3, (1, 3)), (2, (1, 3)), (1, (1, 2))]
)
def test_reduction_cells_at_a_third_and_two(num_layers, expected):
    assert HyperMicroCNN((8, 8, 3), 3, num_layers=num_layers).reductions == expected


def test_the_published_network_has_3894372_parameters(papers_space):
    """As counted from the released code: 17 cells, 36 filters, no auxiliary head."""
    hypermodel = HyperMicroCNN((32, 32, 3), 10, num_layers=15, filters=36, form="final")
    assert count_parameters(child_of(hypermodel, papers_space, PUBLISHED)) == 3_894_372


def test_the_search_form_differs_from_it_on_purpose(papers_space):
    """A 1x1 convolution for each loose end instead of wider inputs everywhere after."""
    hypermodel = HyperMicroCNN((32, 32, 3), 10, num_layers=15, filters=36)
    assert count_parameters(child_of(hypermodel, papers_space, PUBLISHED)) == 3_164_508


def test_the_published_cells_have_five_and_four_loose_ends(papers_space):
    hypermodel = HyperMicroCNN((8, 8, 3), 3, num_layers=3, filters=2, form="final")
    child = child_of(hypermodel, papers_space, PUBLISHED)
    joined = [x for x in child.layers if isinstance(x, keras.layers.Concatenate)]
    # normal, reduction, normal, reduction, normal; 2, 4, 4, 8, 8 filters.
    assert [x.output.shape[1:] for x in joined] == [
        (8, 8, 5 * 2),
        (4, 4, 4 * 4),
        (4, 4, 5 * 4),
        (2, 2, 4 * 8),
        (2, 2, 5 * 8),
    ]


def test_the_released_text_is_read_and_printed(papers_space):
    space = papers_space
    architecture = space.parse(PUBLISHED)
    assert str(architecture).startswith("0 avg3 0 sep3 | 0 identity 0 sep5 | ")
    assert space.parse(str(architecture)) == architecture
    numbers = [int(token) for token in PUBLISHED.replace("|", " ").split()]
    assert list(architecture.indices) == numbers


def test_weights_of_a_convolution_go_by_its_input(images):
    """Training with one input leaves the weights for the other alone (but for weight decay)."""
    hypermodel = small(num_blocks=1, filters=2, operations=["sep3", "identity"], weight_decay=0.0)
    supergraph = Supergraph(hypermodel, seed=0)
    x, y = images(8)
    sep3 = [0, 0, 0, 1] * 2

    def inherited(first_input):
        indices = list(sep3)
        indices[0] = first_input
        architecture = supergraph.space.architecture(indices)
        child = hypermodel.build(architecture.to_hyperparameters())
        inherit(supergraph.network, child, architecture)
        layer = next(
            x for x in child.layers if isinstance(x, ReLUConvNorm) and len(x.convolutions) == 2
        )
        return np.array(layer.trainable_variables[0])

    before = inherited(0), inherited(1)
    assert np.abs(before[0] - before[1]).max() > 1e-3
    supergraph.set_architectures([sep3])
    supergraph.fit(x, y, batch_size=8, verbose=0)
    assert np.abs(inherited(0) - before[0]).max() > 0
    np.testing.assert_array_equal(inherited(1), before[1])


def test_every_operation_differs(images):
    x, _ = images(3)
    outputs = {}
    hypermodel = small(num_blocks=1)
    space = space_of(hypermodel)
    for op in range(5):
        keras.utils.set_random_seed(0)
        child = child_of(hypermodel, space, f"0 {op} 1 4 " * 2)
        for variable in child.trainable_variables:
            variable.assign(np.random.default_rng(0).normal(0.5, 1, variable.shape))
        outputs[op] = np.array(child(x, training=True))
    for a in range(5):
        for b in range(a + 1, 5):
            assert np.abs(outputs[a] - outputs[b]).max() > 1e-5, (a, b)


def test_children_are_built_deeper_and_wider():
    hypermodel = small(num_blocks=1, child_layers=3, child_filters=8, child_form="final")
    text = "0 sep3 1 max3 | 0 avg3 1 sep3"
    searched = hypermodel.build(space_of(hypermodel).parse(text).to_hyperparameters())
    child = hypermodel.build_architecture(text)
    assert count_parameters(child) > 4 * count_parameters(searched)
    reductions = [x for x in child.layers if isinstance(x, FactorizedReduction)]
    assert {x.filters for x in reductions} == {16, 32}
    # The hypermodel itself is as it was.
    assert (hypermodel.num_layers, hypermodel.filters, hypermodel.form) == (1, 4, "search")


@pytest.mark.parametrize(
    "kwargs", [{"form": "final"}, {"drop_path": True}, {"auxiliary_head": True}]
)
def test_what_is_for_children_shares_no_weights(kwargs):
    (name,) = kwargs
    with pytest.raises(ValueError, match=f"`{name}=.*` is for children"):
        Supergraph(small(**kwargs))


def test_a_recipe_brings_drop_path_and_an_auxiliary_head(images):
    hypermodel = small(num_layers=3, num_blocks=1).for_children(training.micro_small)
    assert hypermodel.drop_path and hypermodel.auxiliary_head
    child = hypermodel.build_architecture("0 sep3 1 identity " * 2)
    assert child.output_names == [child.output_names[0], "aux"]
    ratios = [x.layer_ratio for x in child.layers if isinstance(x, DropPath)]
    # One operation of two in each of five cells.
    assert sorted(ratios) == [(k + 1) / 5 for k in range(5)]
    plain = small(num_layers=3).for_children()
    assert not plain.drop_path and not plain.auxiliary_head


@pytest.mark.parametrize("form", ["search", "final"])
def test_nasnet_operations(form):
    hypermodel = small(operations="nasnet", form=form, num_blocks=1, filters=2)
    space = space_of(hypermodel)
    operations = space.decisions[1].candidates
    assert len(operations) == 12
    assert set(ENAS) < set(operations)
    for one, other in zip(operations[:6], operations[6:], strict=True):
        child = child_of(hypermodel, space, f"0 {one} 1 {other} " * 2)
        assert child.output.shape == (None, 3)


@pytest.mark.parametrize("form", ["search", "final"])
def test_darts_operations(form, images):
    hypermodel = small(operations="darts", form=form)
    labels = ("max3", "avg3", "identity", "sep3", "sep5", "dil3", "dil5")
    space = space_of(hypermodel)
    assert space.decisions[1].candidates == labels
    child = child_of(hypermodel, space, "0 dil5 1 dil3 | 2 dil5 0 dil5 " * 2)
    dilated = [x for x in child.layers if isinstance(x, ReLUConvNorm) and len(x.convolutions) == 1]
    kinds = {(x.convolutions[0].kernel_size[0], x.convolutions[0].dilation_rate) for x in dilated}
    assert kinds == {(1, (1, 1)), (3, (2, 2)), (5, (2, 2))}
    strides = {(x.convolutions[0].kernel_size[0], x.convolutions[0].strides[0]) for x in dilated}
    # In the final form both stride over the inputs of the reduction cell.
    assert ({(3, 2), (5, 2)} <= strides) == (form == "final")
    np.testing.assert_allclose(np.array(child(images(2)[0])).sum(-1), 1, rtol=1e-5)


def test_a_cell_may_join_all_its_blocks():
    # The second block uses the first, which is no loose end then.
    text = "0 sep3 1 identity | 2 sep3 2 max3 " * 2
    space = space_of(small())

    def widths(**kwargs):
        child = child_of(small(form="final", **kwargs), space, text)
        joined = [x for x in child.layers if isinstance(x, keras.layers.Concatenate)]
        return [x.output.shape[1:] for x in joined]

    assert widths() == []
    # normal, reduction, reduction; 4, 8, 16 filters.
    assert widths(join="all") == [(8, 8, 8), (4, 4, 16), (2, 2, 32)]
    # An input of a reduction cell is halved first.
    join = {"normal": (0, 2, 3), "reduction": (1, 3)}
    assert widths(join=join) == [(8, 8, 12), (4, 4, 16), (2, 2, 32)]


def test_reductions_may_be_given():
    text = "0 identity 1 identity | 2 identity 2 identity " * 2
    child = small(num_layers=3, form="final", reductions=(1, 4)).build_architecture(text)
    sizes = [x.output.shape[1] for x in child.layers if isinstance(x, keras.layers.Add)]
    assert sizes == [8] * 2 + [4] * 6 + [2] * 2


def test_a_stem_for_large_images():
    hypermodel = HyperMicroCNN(
        (64, 64, 3), 5, num_layers=1, filters=4, num_blocks=1, stem="imagenet"
    )
    child = hypermodel.build(keras_tuner.HyperParameters())
    assert child.output.shape == (None, 5)
    # An eighth after the stem, and halved twice.
    pooled = next(x for x in child.layers if isinstance(x, keras.layers.GlobalAveragePooling2D))
    assert pooled.input.shape[1:] == (2, 2, 16)


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 7, 2), (4, 4, 3)])
def test_any_input(shape, images):
    hypermodel = HyperMicroCNN(shape, 4, num_layers=2, filters=2, num_blocks=1)
    hp = keras_tuner.HyperParameters()
    child = hypermodel.build(hp)
    assert len(recorded_space(hp)) == 8
    assert np.array(child(images(2, shape)[0])).shape == (2, 4)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"input_shape": (8, 8)}, "`input_shape` must be"),
        ({"input_shape": (16, 16, 3), "stem": "imagenet"}, "at least 32x32"),
        ({"num_classes": 1}, "`num_classes`"),
        ({"num_layers": 0}, "`num_layers`"),
        ({"filters": 1}, "`filters`"),
        ({"num_blocks": 0}, "`num_blocks`"),
        ({"child_layers": 0}, "`child_layers`"),
        ({"stem": "mnist"}, "`stem` must be one of"),
        ({"form": "last"}, "`form` must be one of"),
        ({"child_form": "last"}, "`child_form` must be one of"),
        ({"join": "some"}, "`join` must be 'loose_ends', 'all', or"),
        ({"join": {"normal": (2,)}}, "`join` must be"),
        ({"join": {"normal": (2,), "reduction": ()}}, "`join` must be"),
        ({"join": {"normal": (2,), "reduction": (7,)}}, "below 7 for 5 blocks"),
        ({"reductions": (0, 3)}, "`reductions` must be two increasing"),
        ({"reductions": (3,)}, "`reductions` must be two increasing"),
        ({"reductions": (3, 8)}, "`reductions` must be two increasing"),
        ({"reductions": (2, 4), "child_layers": 9}, "`reductions` and `child_layers`"),
        ({"operations": "resnet"}, "`operations` must be one of"),
        ({"operations": ["sep9"]}, "`operations` must be some of"),
        ({"optimizer": "adam"}, "`optimizer` must be a callable"),
        ({"learning_rate": -1}, "`learning_rate` must be a number of at least 0"),
        ({"dropout": 2}, "`dropout` must be a number in"),
        ({"weight_decay": "a"}, "`weight_decay` must be a number"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        HyperMicroCNN(**{"input_shape": (8, 8, 3), "num_classes": 3, **kwargs})


def test_an_architecture_of_another_space_is_refused():
    other = space_of(small(num_blocks=1, operations=["max3"])).parse("0 max3 0 max3 " * 2)
    with pytest.raises(ValueError, match="`architecture` is of another space"):
        small(num_blocks=1).build_architecture(other)
