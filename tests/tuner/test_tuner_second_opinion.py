"""A search that ends with a second opinion."""

import pytest
from small_space import SmallSpace, WithoutSkips

from keras_enas import ENASTuner, HyperMicroCNN, SuccessiveHalving


def test_an_unknown_strategy_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="must be 'shared_weights', 'successive_halving' or"):
        ENASTuner(SmallSpace(), derive_strategy="best", directory=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_search_ends_with_a_second_opinion(make_tuner, search, capsys):
    tuner = make_tuner(derive_strategy=SuccessiveHalving(3, factor=1.5))
    search(tuner, verbose=1)
    best = tuner.get_best_architectures(4)
    assert [one.second_opinion and one.second_opinion.epochs for one in best[:4]] == [2, 2, 1, None]
    assert best[0].second_opinion.reward >= best[1].second_opinion.reward
    tuner.results_summary(4)
    printed = capsys.readouterr().out
    assert "Second opinion 1: 3 architectures trained alone for 1 epochs" in printed
    assert "trained alone" in printed
    # By name for once, and back.
    plain = tuner.derive(strategy="shared_weights")
    assert all(one.second_opinion is None for one in plain)
    rewards = [one.score.reward for one in plain]
    assert rewards == sorted(rewards, reverse=True)


@pytest.mark.parametrize(
    "prior",
    [*(pytest.param(prior, marks=pytest.mark.slow) for prior in (None, "naswot")), "parameters"],
)
def test_a_surrogate_chooses_among_all_that_were_scored(prior, make_tuner, search, capsys):
    halving = SuccessiveHalving(4, proposals="surrogate", batch=2, epochs=0.5, prior=prior)
    tuner = search(make_tuner(derive_strategy=halving))
    best = tuner.get_best_architectures(7)
    assert [one.second_opinion and one.second_opinion.epochs for one in best[:5]] == [
        1,
        1,
        0.5,
        0.5,
        None,
    ]
    # What the prior says is kept, and shown beside the counts that it must beat. (An architecture
    # without a ReLU has no finite `naswot`.)
    assert any(one.prior is not None for one in best) == (prior is not None)
    tuner.results_summary(2)
    printed = capsys.readouterr().out
    assert "parameters" in printed and "FLOPs" in printed
    title, _, columns = " ".join(printed.split()).partition("then by shared weights")
    assert ("of their own and prior," in title) == (prior is not None)
    assert ("prior" in columns) == (prior is not None)
    if prior == "parameters":
        known = tuner.get_best_architectures(3)
        assert [one.prior for one in known] == [one.parameters for one in known]


@pytest.mark.slow
def test_children_are_trained_at_their_own_size(make_tuner, search, monkeypatch):
    built = []

    class Children(SmallSpace):
        def build(self, hp):
            built.append(self)
            return super().build(hp)

    class Searched(SmallSpace):
        def for_children(self, recipe=None):
            return children

    children = Children()
    halving = SuccessiveHalving(2, size="child", epochs=0.5)
    tuner = search(make_tuner(Searched(), derive_strategy=halving))
    assert built and set(built) == {children}
    assert tuner.get_best_architectures(1)[0].second_opinion.epochs == 0.5
    built.clear()
    tuner.derive(strategy=SuccessiveHalving(2, epochs=0.5))
    assert not built


def test_children_that_no_trace_can_share_are_refused_early(tmp_path):
    hypermodel = HyperMicroCNN((32, 32, 3), 10, child_form="final")
    with pytest.raises(ValueError, match="`size='child'`: the children cannot be trained in one"):
        ENASTuner(hypermodel, derive_strategy=SuccessiveHalving(size="child"), directory=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_prior_that_does_not_fit_is_refused_before_the_first_round(make_tuner, search):
    tuner = make_tuner(derive_strategy=SuccessiveHalving(2, prior="naswot"))
    with pytest.raises(ValueError, match="`batch` must be inputs"):
        search(tuner, batch_size=1)
    assert not tuner.oracle.end_order


def test_it_needs_training_data(make_tuner, search, digits):
    search(make_tuner())
    with pytest.raises(ValueError, match="has no training data. Call `search` first"):
        make_tuner().derive(validation_data=digits[1], strategy="successive_halving")


def test_only_simplest_forms_are_derived_and_trained(make_tuner, search):
    """Samples, neighbours and mutants."""
    halving = SuccessiveHalving(6, proposals="surrogate", batch=2, epochs=0.5, neighbours=4)
    tuner = search(make_tuner(WithoutSkips(), derive_strategy=halving))
    found = [one.architecture.indices for one in tuner.get_best_architectures(18)]
    assert {indices[-1] for indices in found} == {0}
    # Nine of the eighteen have no skip.
    assert 6 <= len(found) == len(set(found)) <= 9


def test_a_simplest_form_of_another_kind_is_refused_before_anything_is_written(tmp_path):
    class Wrong(SmallSpace):
        def simplest(self, architecture):
            return list(architecture.indices)

    with pytest.raises(ValueError, match="`simplest` of the hypermodel must return an `Archit"):
        ENASTuner(Wrong(), directory=tmp_path)
    assert not list(tmp_path.iterdir())
