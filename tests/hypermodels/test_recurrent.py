"""The recurrent space of the paper."""

import math

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.hypermodels import HyperRecurrentLM, LanguageModel
from keras_enas.layers import Recurrent
from keras_enas.optimizers import SparseSGD
from keras_enas.search_space import recorded_space
from keras_enas.supergraph import Scorer, Supergraph
from keras_enas.text import stream_batches
from keras_enas.training import recurrent, recurrent_small

PUBLISHED = "0 | 0 0 | 1 1 | 2 1 | 2 0 | 2 0 | 5 1 | 1 0 | 6 1 | 8 1 | 8 1 | 8 1"
CORRECTED = "0 2 1 0 2 1 2 2 4 0 5 0 3 2 6 2"
DARTS = "0 2 1 1 1 1 1 3 2 0 5 2 3 0 5 1"


def space_of(hypermodel):
    hp = keras_tuner.HyperParameters()
    hypermodel.build(hp)
    return recorded_space(hp)


def corrected_space(num_nodes, vocabulary_size=10, units=2):
    """As in google-research's enas_lm: a fixed first node, another order of activations."""
    order = ("tanh", "relu", "sigmoid", "identity")
    return HyperRecurrentLM(
        vocabulary_size,
        num_nodes,
        units,
        activations=order,
        first_activation="tanh",
        output="all",
    )


def recurrent_layer(model):
    return next(layer for layer in model.layers if isinstance(layer, Recurrent))


# The space.


@pytest.mark.parametrize("nodes", [2, 5, 12])
def test_2n_minus_1_decisions(nodes):
    space = space_of(HyperRecurrentLM(10, nodes, 2))
    assert len(space) == 2 * nodes - 1
    assert space.decisions[0].name == "cell/node_0/activation"
    for node in range(1, nodes):
        source, activation = space.decisions[2 * node - 1 : 2 * node + 1]
        assert (source.name, source.kind) == (f"cell/node_{node}/input", "input")
        assert source.candidates == tuple(range(node))
        assert (activation.name, activation.kind) == (f"cell/node_{node}/activation", "op")
        assert activation.candidates == ("tanh", "relu", "identity", "sigmoid")


def test_the_size_of_the_space_as_the_paper_counts_it():
    papers = 4**12 * math.factorial(12)
    assert f"{papers:.1e}" == "8.0e+15"
    # Of 12 nodes the first takes the input: 11! ways, not 12!.
    assert space_of(HyperRecurrentLM(10, 12, 2)).size * 12 == papers
    # With a fixed node before them, as in the corrected code, 12 nodes have 12!.
    assert space_of(corrected_space(13)).size == papers


def test_the_published_cells_are_read_and_printed():
    space = space_of(HyperRecurrentLM(10, 12, 2))
    architecture = space.parse(PUBLISHED)
    assert str(architecture).startswith("tanh | 0 tanh | 1 relu | 2 relu | 2 tanh")
    assert space.parse(str(architecture)) == architecture
    assert " ".join(map(str, architecture.indices)) == PUBLISHED.replace(" |", "")
    space = space_of(corrected_space(9))
    for text in (CORRECTED, DARTS):
        architecture = space.parse(text)
        assert " ".join(map(str, architecture.indices)) == text
        assert space.parse(str(architecture)) == architecture
    assert str(space.parse(CORRECTED)).startswith("0 sigmoid | 1 tanh | 2 relu | 2 sigmoid")


def test_the_published_cells_have_their_parameters():
    """10,000 words; 748 units: 22.03 M, 800 units: 20.8 M, 850 units: 22.95 M."""
    for hypermodel, text, millions in (
        (HyperRecurrentLM(10_000, 12, 200, child_units=748), PUBLISHED, 22.03),
        (corrected_space(9, vocabulary_size=10_000, units=800), CORRECTED, 20.8),
        (corrected_space(9, vocabulary_size=10_000, units=850), DARTS, 22.95),
    ):
        child = hypermodel.build_architecture(text)
        count = sum(int(np.prod(v.shape)) for v in child.trainable_variables)
        assert count / 1e6 == pytest.approx(millions, abs=0.01)


def test_children_may_be_wider_and_leave_the_penalty_to_a_recipe():
    hypermodel = HyperRecurrentLM(10, 3, 2, kernel_l2=0.1, embedding_units=2, child_units=4)
    children = hypermodel.for_children(recurrent)
    assert (children.units, children.embedding_units, children.kernel_l2) == (4, 4, 0.0)
    assert hypermodel.for_children().kernel_l2 == 0.1
    assert space_of(children) == space_of(hypermodel)
    with pytest.raises(ValueError, match="'cell/node_2/activation'"):
        hypermodel.build_architecture("0 | 0 0 | 0")


def test_the_smallest_space(make_child, tokens):
    """Two nodes: the second has one input to choose, so no index of it is a tensor."""
    hypermodel = HyperRecurrentLM(11, 2, 4, learning_rate=1.0)
    supergraph = Supergraph(hypermodel, seed=0)
    dataset = stream_batches(tokens(30), 4, 5)
    x = tokens(12).reshape(2, 6)
    for indices in ([0, 0, 3], [2, 0, 1]):
        supergraph.set_architectures(indices)
        supergraph.fit(dataset, shuffle=False, verbose=0)
        child = make_child(hypermodel, supergraph, indices)
        np.testing.assert_allclose(
            np.array(supergraph(x, architecture=indices)), np.array(child(x)), atol=1e-6
        )
    assert supergraph.train_traces == 1


def test_sizes_may_be_of_numpy(tmp_path, tokens):
    sizes = (np.int64(11), np.int32(3), np.int64(4))
    child = HyperRecurrentLM(*sizes).build_architecture("tanh | 0 relu | 1 tanh")
    child.save(tmp_path / "model.keras")
    x = tokens(12).reshape(2, 6)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.array(loaded(x)), np.array(child(x)))


def test_a_matrix_for_each_node_and_input():
    shapes = {
        False: [(2, 4), (2, 4), (1, 2, 4), (2, 2, 4), (3, 2, 4)],
        True: [(2, 4), (2, 4), (4, 2, 4), (8, 2, 4), (12, 2, 4)],
    }
    for keyed, expected in shapes.items():
        supergraph = Supergraph(HyperRecurrentLM(10, 4, 2, keyed_by_activation=keyed))
        layer = recurrent_layer(supergraph.network)
        assert [tuple(v.shape) for v in layer.trainable_variables] == expected


# The supergraph and its children.


@pytest.mark.parametrize("training", [False, True])
def test_a_child_is_equal(shared_recurrent, make_child, tokens, training):
    hypermodel, supergraph = shared_recurrent
    x = tokens(40).reshape(4, 10)
    # In a graph, where decisions are tensors; called eagerly, they are numbers.
    run = tf.function(
        lambda x, architecture: supergraph(x, architecture=architecture, training=training),
        autograph=False,
    )
    found = set()
    for indices in supergraph.space.random(5, np.random.default_rng(1)):
        child = make_child(hypermodel, supergraph, indices)
        expected = np.array(child(x, training=training))
        for call in (run, supergraph):
            # Draws of dropout go on in the supergraph and begin again in a new child.
            child = make_child(hypermodel, supergraph, indices)
            expected = np.array(child(x, training=training))
            kwargs = {} if call is run else {"training": training}
            outputs = np.array(call(x, architecture=tf.constant(indices, tf.int32), **kwargs))
            scale = np.abs(expected).max()
            np.testing.assert_allclose(outputs / scale, expected / scale, atol=1e-5)
        found.add(expected.tobytes())
    assert len(found) == 5


@pytest.mark.parametrize("kwargs", [{}, {"output": "all", "keyed_by_activation": True}])
def test_steps_of_training_are_equal(small_recurrent, make_child, tokens, kwargs):
    """Two batches, so that a state is carried; one trace for all architectures."""
    hypermodel = small_recurrent(**kwargs)
    supergraph = Supergraph(hypermodel, seed=0)
    dataset = stream_batches(tokens(50), 4, 5)
    for indices in supergraph.space.random(2, np.random.default_rng(2)):
        child = make_child(hypermodel, supergraph, indices)
        supergraph.set_architectures(indices)
        mine = supergraph.fit(dataset, shuffle=False, verbose=0).history
        yours = child.fit(dataset, shuffle=False, verbose=0).history
        assert mine["loss"][0] == pytest.approx(yours["loss"][0], rel=1e-5)
        assert mine["perplexity"][0] == pytest.approx(yours["perplexity"][0], rel=1e-4)
        after = make_child(hypermodel, supergraph, indices)
        for one, other in zip(after.trainable_variables, child.trainable_variables, strict=True):
            np.testing.assert_allclose(
                np.array(one), np.array(other), rtol=1e-4, atol=2e-6, err_msg=one.path
            )
    assert supergraph.train_traces == 1


def test_matrices_that_a_step_does_not_use_stay(small_recurrent, tokens):
    supergraph = Supergraph(small_recurrent(), seed=0)
    layer = recurrent_layer(supergraph.network)
    before = layer.get_weights()
    # Node 2 takes node 1, node 3 takes node 0.
    supergraph.set_architectures([0, 0, 1, 1, 0, 0, 2])
    supergraph.fit(stream_batches(tokens(30), 4, 5), shuffle=False, verbose=0)
    moved = [
        np.flatnonzero((new != old).any((-2, -1))).tolist()
        for new, old in zip(layer.get_weights()[2:5], before[2:5], strict=True)
    ]
    assert moved == [[0], [1], [0]]


def test_an_untied_softmax_and_a_narrower_embedding(make_child, tokens):
    hypermodel = HyperRecurrentLM(11, 3, 6, tie_embeddings=False, embedding_units=2)
    supergraph = Supergraph(hypermodel, seed=0)
    x = tokens(12).reshape(2, 6)
    child = make_child(hypermodel, supergraph, [1, 0, 3, 1, 2])
    assert child(x).shape == (2, 6, 11)
    np.testing.assert_allclose(
        np.array(supergraph(x, architecture=[1, 0, 3, 1, 2])), np.array(child(x)), atol=1e-6
    )


def test_scores_begin_with_zeros_and_carry_within_a_call(shared_recurrent, make_child, tokens):
    hypermodel, supergraph = shared_recurrent
    batches = list(stream_batches(tokens(60), 4, 5))
    scorer = Scorer(supergraph)
    indices = supergraph.space.random(1, np.random.default_rng(3))[0]
    child = make_child(hypermodel, supergraph, indices)
    x, y = (np.concatenate([batch[i] for batch in batches[:2]], 1) for i in (0, 1))

    def perplexity(x, y):
        values = keras.losses.sparse_categorical_crossentropy(y, child(x), from_logits=True)
        return float(np.exp(np.mean(values)))

    alone = scorer(indices, batches[1:2])["perplexity"]
    assert alone == pytest.approx(perplexity(*batches[1]), rel=1e-4)
    together = scorer(indices, batches[:2])["perplexity"]
    assert together == pytest.approx(perplexity(x, y), rel=1e-4)
    assert scorer(indices, batches[1:2])["perplexity"] == alone
    assert scorer.traces == 1
    # What was scored before plays no part.
    assert abs(together - np.mean([scorer(indices, [b])["perplexity"] for b in batches[:2]])) > 1e-3


def test_a_recipe_trains_a_child(small_recurrent, tokens):
    """The rows stay in order, the state is carried, the penalties are on."""
    child = (
        small_recurrent().for_children(recurrent_small).build_architecture("0 | 0 1 | 1 2 | 0 3")
    )
    recipe = recurrent_small.replace(epochs=4, slowness=0.5)
    training, validation = stream_batches(tokens(800), 4, 8), stream_batches(tokens(200, 1), 4, 8)
    before = child.evaluate(validation, verbose=0, return_dict=True)["perplexity"]
    recipe.fit(child, training, validation_data=validation, verbose=0)
    finished = recipe.finish(child)
    assert isinstance(finished, LanguageModel)
    after = finished.evaluate(validation, verbose=0, return_dict=True)["perplexity"]
    assert after < before - 1
    x, y = (np.concatenate(parts, 1) for parts in zip(*validation, strict=True))
    values = keras.losses.sparse_categorical_crossentropy(y, finished(x), from_logits=True)
    assert after == pytest.approx(float(np.exp(np.mean(values))), rel=1e-4)


# Arguments.


def test_defaults_are_those_of_the_paper_and_its_code():
    child = HyperRecurrentLM(10, 3, 2).build(keras_tuner.HyperParameters())
    assert isinstance(child.optimizer, SparseSGD)
    assert float(child.optimizer.learning_rate) == 20.0
    assert child.optimizer.global_clipnorm == 0.25 and child.optimizer.momentum == 0
    rates = [x.rate for x in child.layers if isinstance(x, keras.layers.SpatialDropout1D)]
    assert rates == [0.2, 0.75, 0.75]
    layer = recurrent_layer(child)
    assert (layer.dropout, layer.kernel_l2, layer.cell.output_mode) == (0.25, 1e-7, "loose_ends")
    embedding = child.trainable_variables[0]
    assert np.abs(np.array(embedding)).max() <= 0.04


def test_arguments_change_the_network():
    hypermodel = HyperRecurrentLM(
        10,
        3,
        2,
        first_activation="relu",
        output="all",
        bound=None,
        word_dropout=0,
        embedding_dropout=0,
        input_dropout=0,
        output_dropout=0,
        optimizer=lambda: keras.optimizers.Adam(0.5),
    )
    child = hypermodel.build(keras_tuner.HyperParameters())
    assert [type(x).__name__ for x in child.layers] == [
        "InputLayer",
        "ReversibleEmbedding",
        "Recurrent",
        "ActivationRegularization",
    ]
    assert isinstance(child.optimizer, keras.optimizers.Adam)
    cell = recurrent_layer(child).cell
    assert (cell.first, cell.output_mode, cell.bound) == (1, "all", None)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"vocabulary_size": 1}, "`vocabulary_size`"),
        ({"vocabulary_size": None}, "`vocabulary_size`"),
        ({"num_nodes": 1}, "`num_nodes`"),
        ({"num_nodes": True}, "`num_nodes`"),
        ({"units": 2.5}, "`units`"),
        ({"embedding_units": 0, "tie_embeddings": False}, "`embedding_units`"),
        ({"embedding_units": 3}, "`embedding_units` must be `units` if"),
        ({"activations": ["gelu"]}, "`activations`"),
        ({"activations": []}, "`activations`"),
        ({"first_activation": "gelu"}, "`first_activation`"),
        ({"output": "last"}, "`output`"),
        ({"bound": -1.0}, "`bound`"),
        ({"word_dropout": 1.0}, "`word_dropout`"),
        ({"state_dropout": -0.1}, "`state_dropout`"),
        ({"kernel_l2": -1.0}, "`kernel_l2`"),
        ({"init_range": -0.1}, "`init_range`"),
        ({"clipnorm": 0.0}, "`clipnorm`"),
        ({"optimizer": "adam"}, "`optimizer` must be a callable"),
        ({"learning_rate": -1}, "`learning_rate` must be a number of at least 0"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        HyperRecurrentLM(**{"vocabulary_size": 10, **kwargs})
