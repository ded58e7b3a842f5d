import threading

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
from small_space import TINY, SmallSpace

from keras_enas import ENASOracle, ENASTuner, RandomOracle, SuccessiveHalving
from keras_enas.tuner.derivation import completed_trials


class Watch(keras.callbacks.Callback):
    """Notes the epochs that it sees. A lock cannot be copied."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
        self.epochs = []
        self.models = set()

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)
        self.models.add(id(self.model))


def test_a_hypermodel_alone_is_enough(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tuner = ENASTuner(SmallSpace())
    assert tuner.oracle.objective == keras_tuner.Objective("val_accuracy", "max")
    assert len(tuner.space) == 3
    with pytest.raises(ValueError, match="Call `search` first"):
        tuner.get_best_hyperparameters()


def test_a_build_function_is_a_hypermodel(make_tuner):
    space = SmallSpace()
    assert make_tuner(lambda hp: space.build(hp)).space == make_tuner(space).space


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, 20),
        ({"profile": "released_code_recurrent"}, 10),
        ({"profile": "released_code_recurrent", "samples_per_update": 7}, 7),
        ({"oracle": ("released_code_recurrent", {})}, 10),
        ({"oracle": ("default", {"samples_per_update": 6})}, 6),
        ({"oracle": ("default", {"samples_per_update": 6}), "samples_per_update": 7}, 7),
    ],
)
def test_samples_of_an_update_are_the_oracles(tmp_path, arguments, expected):
    if "oracle" in arguments:
        profile, own = arguments["oracle"]
        oracle = ENASOracle("val_accuracy", profile=profile, **own)
        arguments = {**arguments, "oracle": oracle}
    tuner = ENASTuner(SmallSpace(), directory=tmp_path, **arguments)
    assert tuner.settings.samples_per_update == expected
    if "oracle" not in arguments:
        assert tuner.oracle.samples_per_update == expected


def test_an_oracle_that_learns_from_single_trials_still_gets_many_a_round(tmp_path):
    tuner = ENASTuner(SmallSpace(), oracle=RandomOracle("val_accuracy"), directory=tmp_path)
    assert tuner.settings.samples_per_update == 20


def test_one_trace_for_the_whole_search_and_callbacks_as_they_are(make_tuner, search):
    watch = Watch()
    tuner = search(make_tuner(controller=True), callbacks=[watch], epochs=2)
    assert watch.epochs == [0, 1, 2, 3]
    assert watch.models == {id(tuner.supergraph)}
    assert (tuner.supergraph.train_traces, tuner._shared.scorer.traces) == (1, 1)
    # A single callback will do, as in `fit`; a round that is done is not done again.
    search(tuner, callbacks=watch)
    assert watch.epochs == [0, 1, 2, 3]


@pytest.mark.slow
def test_a_new_tuner_goes_on_to_a_larger_max_trials(make_tuner, search, files, same_state):
    first = search(make_tuner())
    before = files()
    again = search(make_tuner())
    assert files() == before
    watch = Watch()
    longer = search(make_tuner(max_trials=11), callbacks=[watch], epochs=1)
    assert watch.epochs == list(range(2, 11))
    assert len(longer.oracle.end_order) == 11
    assert same_state(first, again) and not same_state(first, longer)
    # In one object the same, and the order of the rounds is that of their numbers.
    assert [int(t.trial_id) for t in completed_trials(longer)] == list(range(11))


def test_the_oracle_learns_and_warmup_rounds_do_not(make_tuner, search):
    warm = search(make_tuner(warmup_rounds=1, controller=True))
    # One round of two updates of four samples.
    assert int(warm.oracle.get_arrays()["learned/num_learned"]) == 8
    trials = completed_trials(warm)
    assert not trials[0].metrics.exists("controller_mean_reward")
    assert trials[1].metrics.exists("controller_mean_reward")


def test_random_oracle_and_datasets(make_tuner, digits):
    (x, y), validation = digits
    train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(300, seed=0).batch(50)
    tuner = make_tuner()
    tuner.search(
        train, validation_data=tf.data.Dataset.from_tensor_slices(validation).batch(50), verbose=0
    )
    assert isinstance(tuner.oracle, RandomOracle) and len(tuner.oracle.end_order) == 2
    assert (tuner.supergraph.train_traces, tuner._shared.scorer.traces) == (1, 1)
    # int64 labels there, int32 and weights here: the scorer takes both.
    score = tuner.score([tuner.space.architecture([0, 0, 0])], validation)[0]
    weighted = (validation[0], validation[1].astype("int32"), np.ones(100, "float32"))
    again = tuner.score([tuner.space.architecture([0, 0, 0])], weighted)[0]
    assert score.objective == pytest.approx(again.objective)


def test_a_dataset_that_does_not_know_its_length(make_tuner, digits):
    (x, y), validation = digits

    def generate():
        yield from ((x[i : i + 50], y[i : i + 50]) for i in range(0, 300, 50))

    spec = (tf.TensorSpec((None, 64), tf.float32), tf.TensorSpec((None,), tf.int64))
    train = tf.data.Dataset.from_generator(generate, output_signature=spec)
    tuner = make_tuner()
    tuner.search(train, validation_data=validation, verbose=0, batch_size=50)
    assert int(tuner.supergraph.optimizer.iterations) == 12


def test_a_dataset_goes_on_where_the_round_before_ended(make_tuner, digits):
    (x, y), validation = digits
    seen = []

    class Model(keras.Model):
        def train_step(self, data):
            tf.py_function(lambda first: seen.append(int(first)), [data[0][0, 0]], [])
            return super().train_step(data)

    class Numbered(SmallSpace):
        def build(self, hp):
            built = super().build(hp)
            model = Model(built.inputs, built.outputs)
            model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
            return model

    x = x.copy()
    x[:, 0] = np.arange(300) // 50
    train = tf.data.Dataset.from_tensor_slices((x, y)).batch(50)
    tuner = make_tuner(Numbered())
    tuner.search(train, validation_data=validation, steps_per_epoch=4, verbose=0, batch_size=50)
    assert seen == [0, 1, 2, 3, 4, 5, 0, 1]


def test_a_py_dataset(make_tuner, digits):
    (x, y), validation = digits

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            return x[index * 50 : index * 50 + 50], y[index * 50 : index * 50 + 50]

    tuner = make_tuner()
    tuner.search(Batches(), validation_data=validation, verbose=0, batch_size=50)
    assert int(tuner.supergraph.optimizer.iterations) == 12


def test_what_else_fit_takes(make_tuner, digits, capsys):
    (x, y), _ = digits
    tuner = make_tuner()
    tuner.search(
        x,
        y,
        validation_split=0.25,
        batch_size=75,
        sample_weight=np.ones(300, "float32"),
        validation_steps=1,
        shuffle=False,
    )
    assert tuner.search_data[0].steps == 3
    assert tuner.search_data[1].sizes == [75]
    # A line a round, with the time left.
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Round")]
    assert len(lines) == 2 and lines[-1].endswith("0 s left")


def test_class_weights_count(make_tuner, search):
    tuner = search(make_tuner(max_trials=1), class_weight=dict.fromkeys(range(10), 0.0))
    assert completed_trials(tuner)[0].metrics.get_best_value("loss") == 0.0


def test_labels_that_the_loss_ignores(make_tuner, digits):
    (x, y), validation = digits
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    tuner = make_tuner(max_trials=1, loss=loss, metrics=["accuracy"])
    y = np.where(np.arange(len(y)) % 2, y, -1)
    tuner.search(x, y, validation_data=validation, batch_size=50, verbose=0)
    assert tuner.get_best_architectures()


def test_numpys_numbers(make_tuner, search):
    """As those of a loop over an array."""
    halving = SuccessiveHalving(np.int64(2), epochs=np.float32(0.5))
    tuner = make_tuner(
        max_trials=np.int64(1), max_cpu_seconds=np.float32(60), derive_strategy=halving
    )
    search(tuner, steps_per_epoch=np.int64(3), batch_size=np.int64(50), epochs=np.int64(1))
    assert tuner.get_best_architectures()[0].second_opinion.epochs == 0.5


def test_other_hyperparameters_stay_at_their_default(make_tuner, search, capsys):
    tuner = search(make_tuner(SmallSpace(tune_rate=True, learning_rate=0.05)))
    said = [line for line in capsys.readouterr().out.splitlines() if "kept at their def" in line]
    assert said == ["Hyperparameters kept at their defaults while weights are shared: ['rate']"]
    assert float(tuner.supergraph.optimizer.learning_rate) == pytest.approx(0.05)
    hp = tuner.get_best_hyperparameters()[0]
    assert hp.get("rate") == 0.05
    assert float(tuner.hypermodel.build(hp).optimizer.learning_rate) == pytest.approx(0.05)


def test_a_hyperparameter_that_the_user_fixes(make_tuner, search):
    hp = keras_tuner.HyperParameters()
    hp.Fixed("rate", 0.02)
    tuner = search(make_tuner(SmallSpace(tune_rate=True), hyperparameters=hp))
    assert float(tuner.supergraph.optimizer.learning_rate) == pytest.approx(0.02)
    assert tuner.get_best_hyperparameters()[0].get("rate") == 0.02


def test_overriding_what_build_compiles(make_tuner, search):
    adam = keras.optimizers.Adam(0.003)
    tuner = search(make_tuner(optimizer=adam, max_trials=1))
    assert isinstance(tuner.supergraph.network.optimizer, keras.optimizers.Adam)


def test_the_policy_of_mixed_precision_survives(make_tuner, search):
    keras.config.set_dtype_policy("mixed_float16")
    tuner = search(make_tuner())
    tuner.get_best_models()
    assert keras.config.dtype_policy().name == "mixed_float16"
    assert tuner.supergraph.network.layers[1].compute_dtype == "float16"
    assert (tuner.supergraph.train_traces, tuner._shared.scorer.traces) == (1, 1)


def test_what_was_found(searched, digits):
    _, validation = digits
    found = searched.get_best_architectures(4)
    assert len(found) == 4
    assert [one.score.reward for one in found] == sorted(
        (one.score.reward for one in found), reverse=True
    )
    # Scored with the final weights on all validation data.
    again = searched.score([one.architecture for one in found], validation, 50)
    assert [one.score.objective for one in found] == pytest.approx([s.objective for s in again])
    for one, hp in zip(found, searched.get_best_hyperparameters(4), strict=True):
        child = searched.hypermodel.build(hp)
        assert one.architecture.values.items() <= hp.values.items()
        assert one.parameters == sum(np.prod(v.shape) for v in child.trainable_variables)
        assert one.flops > 2 * 64 * 16
        assert searched.score([str(one.architecture)])[0] == searched.score([one.architecture])[0]


def test_best_models_inherit_weights(searched, digits):
    _, (x, y) = digits
    models = searched.get_best_models(2)
    assert len(models) == 2
    accuracy = models[0].evaluate(x, y, verbose=0, return_dict=True)["accuracy"]
    shared = searched.get_best_architectures()[0].score.objective
    # Moving averages there, statistics of a batch here.
    assert abs(accuracy - shared) < 0.15
    trial = searched.oracle.get_best_trials(1)[0]
    assert searched.load_model(trial).count_params() > 0


def test_derive_again(searched, same_state):
    before = searched.oracle.get_arrays()
    few = searched.derive(k=1)
    many = searched.derive(k=30)
    assert len(few) <= len(many) <= 32
    assert many[0].score.reward >= few[0].score.reward
    after = searched.oracle.get_arrays()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert [one.architecture for one in searched.get_best_architectures(3)] == [
        one.architecture for one in many[:3]
    ]


def test_the_summary_never_passes_a_shared_weight_score_for_an_accuracy(searched, capsys):
    searched.results_summary(2)
    shown = capsys.readouterr().out
    assert "shared-weight val accuracy" in shown
    assert "It is not what a trained model scores" in " ".join(shown.split())
    # Wherever `accuracy` heads a column it says what it is.
    assert shown.count("accuracy") == 1
    assert "tuner.retrain" in shown


def test_a_process_that_has_not_searched(searched, digits, tmp_path):
    _, validation = digits
    other = ENASTuner(SmallSpace(), **TINY, seed=0, directory=searched.directory, project_name="p")
    architectures = [one.architecture for one in other.get_best_architectures(2)]
    assert architectures == [one.architecture for one in searched.get_best_architectures(2)]
    with pytest.raises(ValueError, match="`validation_data` is needed"):
        other.derive()
    assert other.score(architectures, validation, 50) == searched.score(architectures)
    with pytest.warns(UserWarning, match="has no training data"):
        other.get_best_models()


def test_two_seeds_differ_and_one_repeats_itself(make_tuner, search, searched, same_state):
    # 0 is a seed: KerasTuner takes it for none.
    same = search(make_tuner(controller=True, project_name="same"))
    other = search(make_tuner(controller=True, project_name="other", seed=1))
    assert same_state(searched, same)
    assert not same_state(searched, other)
    rounds = [
        [(t.score, t.hyperparameters.values) for t in completed_trials(tuner)]
        for tuner in (searched, same, other)
    ]
    assert rounds[0] == rounds[1] != rounds[2]
