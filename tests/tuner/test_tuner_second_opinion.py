"""A search that ends with a second opinion."""

import dataclasses
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_space import SmallSpace, WithoutSkips

from keras_enas import ENASTuner, HyperMicroCNN, SuccessiveHalving
from keras_enas.tuner.data import TrainingData, described


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


class Fits(SmallSpace):
    """Notes what it fits and with what, as a hypermodel with a `fit` of its own may."""

    def fit(self, hp, model, *args, **kwargs):
        self.fitted.append((type(model).__name__, kwargs.get("class_weight")))
        return super().fit(hp, model, *args, **kwargs)


def test_it_trains_as_the_search_does(make_tuner, search, digits):
    """By the hypermodel's own `fit` and with its weights of classes; so does `retrain`."""
    hypermodel = Fits()
    hypermodel.fitted = fitted = []
    tuner = make_tuner(hypermodel, max_trials=1, derive_strategy=SuccessiveHalving(2, epochs=0.5))
    nothing = dict.fromkeys(range(10), 0.0)
    search(tuner, class_weight=nothing)
    assert fitted == [("Supergraph", nothing)] * 3
    earned = [one.second_opinion.objective for one in tuner.get_best_architectures(2)]
    # Other weights are another second opinion.
    tuner = make_tuner(hypermodel, max_trials=1)
    search(tuner)
    found = tuner.derive(strategy=SuccessiveHalving(2, epochs=0.5))
    assert fitted[3:] == [("Supergraph", None)] * 2
    assert [one.second_opinion.objective for one in found[:2]] != earned
    (x, y), validation = digits
    arguments = {"epochs": 1, "top": 1, "random_baseline": 1, "verbose": 0}
    tuner.retrain(x, y, validation_data=validation, **arguments)
    assert [name for name, _ in fitted[5:]] == ["Functional"] * 2


def test_a_dataset_that_is_another_one_each_time_is_warned_of(make_tuner, digits, recwarn):
    (x, y), validation = digits
    plain = tf.data.Dataset.from_tensor_slices((x, y))
    halving = SuccessiveHalving(2, epochs=0.5)
    for data in (plain.batch(50), plain.shuffle(300, seed=1).batch(50)):
        tuner = make_tuner(max_trials=1, derive_strategy=halving, overwrite=True)
        warned = len([one for one in recwarn if "other batches in every iter" in str(one.message)])
        assert not warned
        tuner.search(data, validation_data=validation, verbose=0)
    assert [one for one in recwarn if "other batches in every iteration" in str(one.message)]


def test_a_search_goes_on_though_its_second_opinion_took_longer_than_it_may(make_tuner, search):
    """The first batch is trained in any case, and takes longer than nearly no time."""
    halving = SuccessiveHalving(4, batch=2, epochs=0.5, max_cpu_seconds=0.001)
    search(make_tuner(max_trials=1, derive_strategy=halving))
    tuner = search(make_tuner(max_trials=2, derive_strategy=halving))
    assert tuner.get_best_architectures()[0].second_opinion
    # One that may take less is refused before further rounds, not when they have been searched.
    less = dataclasses.replace(halving, max_cpu_seconds=0.0005)
    tuner = make_tuner(max_trials=3, derive_strategy=less)
    with pytest.raises(ValueError, match="The second opinion on disk, of 2 trainings"):
        search(tuner)
    assert len(tuner.oracle.end_order) == 2


class OwnBatches(SmallSpace):
    """With a size of batches and callbacks of its own, as the guide of KerasTuner has it."""

    def fit(self, hp, model, *args, **kwargs):
        stop = keras.callbacks.EarlyStopping("val_loss", patience=0, min_delta=10.0)
        if "validation_data" in kwargs:
            kwargs["callbacks"] = [*kwargs["callbacks"], stop]
            history = model.fit(*args, batch_size=25, **kwargs)
            self.epochs.append(len(history.epoch))
            return history
        return model.fit(*args, **kwargs)


class OwnDefaults(SmallSpace):
    """Takes a dataset alone, and has another default for the number of epochs."""

    def fit(self, hp, model, dataset, epochs=5, **kwargs):
        self.seen.append(epochs)
        return model.fit(dataset, epochs=epochs, **kwargs)


def test_a_fit_of_the_hypermodels_own(make_tuner, search, digits):
    (x, y), validation = digits
    halving = SuccessiveHalving(2, epochs=0.5)
    arguments = {"validation_data": validation, "top": 1, "random_baseline": 0, "verbose": 0}
    hypermodel = OwnBatches()
    hypermodel.epochs = []
    tuner = search(make_tuner(hypermodel, max_trials=1, derive_strategy=halving))
    tuner.retrain(x, y, epochs=4, **arguments)
    assert hypermodel.epochs == [2]
    hypermodel = OwnDefaults()
    hypermodel.seen = []
    tuner = make_tuner(hypermodel, max_trials=1, derive_strategy=halving, project_name="other")
    search(tuner)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(50)
    tuner.retrain(data, epochs=3, **arguments)
    # The round, two second opinions of half an epoch, and a child.
    assert hypermodel.seen == [1, 1, 1, 3]


def test_a_dataset_of_strings_that_is_the_same_each_time_is_not_warned_of(recwarn):
    words = tf.constant(["a", "b", "c", "d"])
    fixed = tf.data.Dataset.from_tensor_slices((words, [0.0, np.nan, 1.0, 2.0])).batch(4)
    ragged = tf.data.Dataset.from_tensors((tf.ragged.constant([[1], [2, 3]]), tf.zeros(2)))
    for data, same in ((fixed, True), (ragged, True), (fixed.unbatch().shuffle(4).batch(1), False)):
        found = [TrainingData(data, None, None, None, True, seed=0).repeats() for _ in range(9)]
        assert all(found) == same
    # In another process it must be known again, by its words and not by where they are.
    code = "import numpy as np; from keras_enas.tuner.data import described; "
    code += "print(described(np.array(['a', 'b' * 99], object)))"
    said = {subprocess.check_output([sys.executable, "-c", code]) for _ in range(2)}
    assert len(said) == 1
    other = described(np.array(["a", "c" * 99], object))
    assert said != {f"{other}\n".encode()}
