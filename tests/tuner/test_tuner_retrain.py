import json
import math
import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_space import TINY, SmallSpace, load

from keras_enas import Architecture, ENASTuner, HyperMacroCNN, training
from keras_enas.tuner.export import export

PLAIN = training.Recipe(epochs=1, first_cycle=1)
BATCHES = tf.data.Dataset.from_tensor_slices((np.zeros((4, 64)), np.zeros(4))).batch(2)

# It must not be able to use the package, wherever Python would find it.
LOADED_ELSEWHERE = """
import sys
sys.modules["keras_enas"] = None
import numpy as np
import keras
import tensorflow as tf
x = np.load({x!r})
model = keras.models.load_model({folder!r} + "/best_model.keras")
loaded = tf.saved_model.load({folder!r} + "/best_model")
served = loaded.serve(tf.constant(x)).numpy()
np.savez({out!r}, keras=model.predict(x, verbose=0), served=served)
print(sorted({{type(layer).__module__.partition(".")[0] for layer in model.layers}}))
"""


@pytest.fixture(scope="module")
def retrained(tmp_path_factory):
    """A macro space, searched for a round and retrained: `(tuner, retrained, images)`."""
    space = HyperMacroCNN((8, 8, 1), 10, num_layers=2, filters=2, operations=["sep3", "max3"])
    (x, y), (vx, vy) = load()
    x, vx = x.reshape(-1, 8, 8, 1), vx.reshape(-1, 8, 8, 1)
    tuner = ENASTuner(
        space,
        **{**TINY, "max_trials": 1},
        seed=0,
        directory=tmp_path_factory.mktemp("retrain"),
        project_name="p",
    )
    tuner.search(x, y, validation_data=(vx, vy), batch_size=50, verbose=0)
    calls = []

    def callbacks():
        calls.append(keras.callbacks.History())
        return calls[-1:]

    result = tuner.retrain(
        x,
        y,
        validation_data=(vx, vy),
        test_data=(vx[:40], vy[:40]),
        epochs=2,
        batch_size=50,
        top=1,
        random_baseline=1,
        callbacks=callbacks,
        verbose=0,
    )
    assert len(calls) == 2 and all(len(one.epoch) == 2 for one in calls)
    return tuner, result, vx


def test_the_table(retrained, capsys):
    tuner, result, vx = retrained
    _, (_, vy) = load()
    assert [child.origin for child in result.children] == ["derived", "random"]
    derived = tuner.get_best_architectures()[0]
    assert result.children[0].architecture == derived.architecture
    assert result.children[0].shared_weights == derived.score
    assert result.children[1].architecture != derived.architecture
    for child in result.children:
        assert 0 <= child.trained <= 1 and set(child.test) == {"loss", "accuracy"}
        assert child.parameters > 0 and child.flops > 0 and child.cpu_seconds > 0
    best = max(result.children, key=lambda child: child.trained)
    assert result.architecture == best.architecture
    accuracy = result.model.evaluate(vx, vy, verbose=0, return_dict=True)["accuracy"]
    assert accuracy == pytest.approx(best.trained)
    one, other = (child.trained for child in result.children)
    expected = 100 * (one - other) / other
    assert result.relative_improvement() == pytest.approx(expected)
    capsys.readouterr()
    result.summary()
    shown = capsys.readouterr().out
    for words in ("shared", "trained:", "random", "trained ones are what a"):
        assert words in " ".join(shown.split())


def test_the_files(retrained):
    tuner, result, _ = retrained
    with open(os.path.join(tuner.project_dir, "best_architecture.json")) as file:
        assert Architecture.from_json(file.read()) == result.architecture
    with open(os.path.join(tuner.project_dir, "results.json")) as file:
        content = json.load(file)
    assert content == json.loads(json.dumps(result.to_dict()))
    assert len(content["children"]) == 2
    assert content["best"] == str(result.architecture)
    for child in content["children"]:
        # Two kinds of scores, under two names.
        assert {"trained", "shared_weights", "parameters", "flops", "cpu_seconds"} <= set(child)
    assert not [name for name in os.listdir(tuner.project_dir) if name.startswith("writing")]


def test_the_files_load_without_the_package(retrained, tmp_path, run_python):
    tuner, result, vx = retrained
    np.save(tmp_path / "x.npy", vx)
    out = str(tmp_path / "out.npz")
    script = LOADED_ELSEWHERE.format(x=str(tmp_path / "x.npy"), folder=tuner.project_dir, out=out)
    said = run_python("-c", script)
    assert said.strip() == "['keras']"
    expected = result.model.predict(vx, verbose=0)
    with np.load(out) as found:
        for name in ("keras", "served"):
            np.testing.assert_allclose(found[name], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validation_data": None}, "`validation_data` is needed"),
        ({"validation_data": (np.zeros((4, 64)), np.full(4, 10))}, "`validation_data`.*0 to 9"),
        ({"y": np.zeros(3)}, "`x, y`.*one length"),
        ({"epochs": 0}, "`epochs`"),
        ({"top": 0}, "`top`"),
        ({"top": 1.5}, "`top`"),
        ({"random_baseline": -1}, "`random_baseline`"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"callbacks": []}, "`callbacks` must be a callable"),
        ({"recipe": PLAIN, "cosine_decay": True}, "`cosine_decay` does not go with `recipe`"),
        ({"recipe": PLAIN, "cosine_decay": False}, "`cosine_decay` does not go with `recipe`"),
        ({"recipe": PLAIN, "validation_split": 0.5}, "`validation_split` does not go with a rec"),
        ({"x": BATCHES, "y": None, "validation_split": 0.5}, "`validation_split` is for arrays"),
    ],
)
def test_bad_arguments(searched, arguments, message):
    before = sorted(os.listdir(searched.project_dir))
    x, y = np.zeros((4, 64)), np.zeros(4)
    with pytest.raises(ValueError, match=message):
        searched.retrain(**{"x": x, "y": y, "validation_data": (x, y), **arguments})
    assert sorted(os.listdir(searched.project_dir)) == before


def test_before_a_search(make_tuner, files):
    x, y = np.zeros((4, 64)), np.zeros(4)
    with pytest.raises(ValueError, match="Call `search` first"):
        make_tuner().retrain(x, y, validation_data=(x, y))


def test_datasets_and_a_schedule_of_ones_own(make_tuner, search, digits):
    (x, y), validation = digits
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    tuner = search(make_tuner(SmallSpace(learning_rate=schedule), max_trials=1))
    train = tf.data.Dataset.from_tensor_slices((x, y)).batch(50)
    result = tuner.retrain(
        train,
        validation_data=tf.data.Dataset.from_tensor_slices(validation).batch(50),
        epochs=1,
        top=1,
        random_baseline=0,
        verbose=0,
    )
    assert math.isnan(result.relative_improvement())
    assert result.to_dict()["relative_improvement_over_random_percent"] is None


class Noted(keras.utils.PyDataset):
    """Digits in batches; notes which were asked for."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y, self.asked = x, y, []

    def __len__(self):
        return len(self.x) // 50

    def __getitem__(self, i):
        self.asked.append(i)
        return self.x[i * 50 : i * 50 + 50], self.y[i * 50 : i * 50 + 50]


@pytest.mark.parametrize("recipe", [None, PLAIN])
def test_a_pydataset_is_shuffled_whatever_trains_it(searched, digits, recipe, monkeypatch):
    (x, y), validation = digits
    monkeypatch.setattr("keras_enas.tuner.retrain.export", lambda model, folder: model)
    monkeypatch.setattr("keras_enas.tuner.retrain.write_json", lambda path, content: None)
    for shuffle in (True, False):
        data = Noted(x, y)
        how = {} if shuffle else {"shuffle": False}
        searched.retrain(
            data,
            validation_data=validation,
            epochs=1,
            recipe=recipe,
            top=1,
            random_baseline=0,
            verbose=0,
            **how,
        )
        assert sorted(data.asked[-6:]) == list(range(6))
        # By the seed of the search, which gives another order than none.
        assert (data.asked[-6:] != list(range(6))) == shuffle


def test_a_child_that_turns_nan_is_not_the_best(make_tuner, search, digits):
    (x, y), validation = digits
    tuner = search(make_tuner(max_trials=1, objective="val_loss"))
    count = []

    class Spoil(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            count.append(self.model)
            if len(count) == 1:
                weight = self.model.trainable_variables[-1]
                weight.assign(weight * np.nan)

    result = tuner.retrain(
        x,
        y,
        validation_data=validation,
        epochs=1,
        top=1,
        random_baseline=1,
        callbacks=lambda: [Spoil()],
        verbose=0,
    )
    assert result.architecture != result.children[0].architecture
    assert math.isnan(result.children[0].trained)
    with open(os.path.join(tuner.project_dir, "results.json")) as file:
        # Readable by others than Python: JSON has no NaN.
        json.load(file, parse_constant=lambda name: pytest.fail(name))


def test_callbacks_may_watch_the_validation_data(make_tuner, search, digits):
    (x, y), validation = digits
    tuner, seen = search(make_tuner(max_trials=1)), []

    def callbacks():
        seen.append(keras.callbacks.History())
        stop = keras.callbacks.EarlyStopping("val_loss", patience=0, min_delta=10.0)
        return [seen[-1], stop]

    arguments = {"epochs": 4, "top": 1, "random_baseline": 0, "verbose": 0}
    tuner.retrain(x, y, validation_data=validation, callbacks=callbacks, **arguments)
    assert len(seen[0].history["val_accuracy"]) == 2


def test_what_is_exported_is_whole_or_the_old_one(tmp_path, monkeypatch):
    def model(bias):
        inputs = keras.Input((2,))
        initializer = keras.initializers.Constant(bias)
        outputs = keras.layers.Dense(1, bias_initializer=initializer)(inputs)
        model = keras.Model(inputs, outputs)
        model.compile("sgd", "mse")
        return model

    def bias():
        loaded = tf.saved_model.load(str(tmp_path / "best_model"))
        of_file = keras.models.load_model(tmp_path / "best_model.keras")
        zeros = np.zeros((1, 2), "float32")
        return float(loaded.serve(zeros)[0, 0]), float(of_file(zeros)[0, 0])

    export(model(1.0), str(tmp_path))
    assert bias() == (1.0, 1.0)
    for name in ("save", "export"):
        with monkeypatch.context() as patched:
            original = getattr(keras.Model, name)

            def dies(self, path, *args, _original=original, **kwargs):
                _original(self, path, *args, **kwargs)
                raise KeyboardInterrupt

            patched.setattr(keras.Model, name, dies)
            with pytest.raises(KeyboardInterrupt):
                export(model(2.0), str(tmp_path))
        assert bias() == (1.0, 1.0)
    # Killed where the old folder had stepped aside.
    os.rename(tmp_path / "best_model", tmp_path / "replaced_model")
    export(model(3.0), str(tmp_path))
    assert bias() == (3.0, 3.0)
    assert sorted(os.listdir(tmp_path)) == ["best_model", "best_model.keras"]
