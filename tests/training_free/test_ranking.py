"""A supergraph gives the score that the child with its weights has, and ranks by it."""

import numpy as np
import pytest
from small_networks import HyperSmall

from keras_enas import ENASTuner, HyperNASBench201, RandomOracle, training_free
from keras_enas.supergraph import Supergraph
from keras_enas.training_free.running import dtype_of, of_supergraph
from keras_enas.training_free.scores import INTO_THE_NETWORK

# Of each decision every candidate; the third does not need a part of what comes before.
TEXTS = ("conv | 1 | id", "dense | 1 | conv", "conv | 0 | conv", "none | 0 | id")


@pytest.mark.parametrize("name", INTO_THE_NETWORK)
def test_supergraph_and_child_agree(name, batch, make_child):
    one = INTO_THE_NETWORK[name]()
    with dtype_of(one):
        supergraph = Supergraph(HyperSmall(), seed=0)
        space = supergraph.space
        architectures = [space.parse(text) for text in TEXTS]
        children = [make_child(HyperSmall(), supergraph, a.indices) for a in architectures]
        score = of_supergraph(one, supergraph, batch)
        found = [score(a) for a in architectures]
    expected = [training_free.score(name, child, batch) for child in children]
    # Small eigenvalues of the correlation, of which the inverse is taken, are mostly rounding.
    assert found == pytest.approx(expected, rel=1e-2 if name == "jacobian_covariance" else 1e-5)
    assert len({round(value, 2) for value in found}) == len(TEXTS)


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    return ENASTuner(
        HyperSmall(),
        oracle=RandomOracle("val_accuracy", max_trials=1, seed=3),
        directory=tmp_path_factory.mktemp("rank"),
    )


@pytest.mark.parametrize("name", ["naswot", "flops"])
def test_ranked_with_controls(tuner, batch, name):
    texts = TEXTS[:2]
    ranked = training_free.rank(tuner, texts, batch, name)
    assert sorted(str(one.architecture) for one in ranked) == sorted(texts)
    scores = [one.score for one in ranked]
    assert scores == sorted(scores, reverse=True)
    for one in ranked:
        child = tuner.build_child(one.architecture)
        assert one.parameters == training_free.parameters(child)
        assert one.flops == training_free.flops(child)
        if name == "flops":
            assert one.score == one.flops
    if name == "naswot":
        other = training_free.rank(tuner, texts[:1], batch, name, seed=4)
        assert other[0].score not in scores


def test_counts_of_the_hypermodel_are_taken(tmp_path, batch):
    hypermodel = HyperNASBench201((6, 6, 2), 3, cells_per_stage=1, filters=2)
    tuner = ENASTuner(
        hypermodel, oracle=RandomOracle("val_accuracy", max_trials=1, seed=0), directory=tmp_path
    )
    architectures = [tuner.space.architecture(row) for row in ([1] * 6, [3] * 6, [2] * 6)]
    ranked = training_free.rank(tuner, architectures, None, "parameters")
    assert [one.architecture.indices[0] for one in ranked] == [3, 2, 1]
    for one in ranked:
        assert one.parameters == hypermodel.count_parameters(one.architecture)
        assert one.flops == hypermodel.count_flops(one.architecture)


def test_bad_input(tuner, batch, macro_space):
    with pytest.raises(ValueError, match="`name` must be one of"):
        training_free.rank(tuner, TEXTS, batch, "snip")
    with pytest.raises(ValueError, match="not of this tuner's space"):
        training_free.rank(tuner, [macro_space(1).architecture(np.zeros(1, int))], batch)
