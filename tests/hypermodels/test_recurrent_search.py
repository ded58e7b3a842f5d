"""The recurrent space in a whole search, and what it leaves."""

import json
import pathlib

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from keras_enas import ENASTuner
from keras_enas.hypermodels import LanguageModel
from keras_enas.rewards import perplexity_reward
from keras_enas.supergraph import Scorer
from keras_enas.text import stream_batches
from keras_enas.training import recurrent_small

ROUNDS = 2


@pytest.fixture(scope="module")
def data(tokens):
    """Training, validation and test text."""
    return (
        stream_batches(tokens(400), 5, 8),
        stream_batches(tokens(150, 1), 5, 8),
        stream_batches(tokens(100, 2), 2, 8, drop_remainder=False),
    )


@pytest.fixture(scope="module")
def make_tuner(small_recurrent):
    """Returns a function that makes a tuner of a small recurrent space."""

    def make(folder):
        return ENASTuner(
            small_recurrent(num_nodes=3),
            objective=keras_tuner.Objective("val_perplexity", "min"),
            reward=perplexity_reward(),
            profile="released_code_recurrent",
            max_trials=ROUNDS,
            controller_updates=1,
            samples_per_update=4,
            derive_samples=2,
            final_samples=3,
            seed=0,
            directory=folder,
            project_name="p",
        )

    return make


@pytest.fixture(scope="module")
def searched(make_tuner, data, tmp_path_factory):
    """A tuner that has searched."""
    training, validation, _ = data
    tuner = make_tuner(tmp_path_factory.mktemp("searched"))
    tuner.search(training, validation_data=validation, verbose=0)
    return tuner


GENERATE = """
import sys
sys.modules["keras_enas"] = sys.modules["keras"] = None
import numpy as np
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
states, token, text = loaded.initial_states(1), 0, []
for _ in range(12):
    logits, *states = loaded.serve(np.array([[token]], np.int32), *states)
    token = int(np.argmax(logits[0, -1]))
    text.append(token)
print(text)
"""


def test_one_trace(searched):
    assert searched.supergraph.train_traces == 1


def test_what_a_search_leaves(searched, data, tokens, run_python):
    training, validation, test = data
    retrained = searched.retrain(
        training,
        validation_data=validation,
        test_data=test,
        recipe=recurrent_small.replace(epochs=2),
        top=1,
        random_baseline=1,
        verbose=0,
    )
    assert isinstance(retrained.model, LanguageModel)
    assert 1 < retrained.children[0].test["perplexity"] < 100

    x = tokens(20).reshape(2, 10)
    expected = np.array(retrained.model(x))
    folder = pathlib.Path(searched.project_dir, "best_model")
    loaded = tf.saved_model.load(folder)
    outputs, _ = loaded.serve(x, *loaded.initial_states(2))
    np.testing.assert_allclose(np.array(outputs), expected, atol=1e-5)
    loaded = keras.models.load_model(f"{folder}.keras")
    np.testing.assert_allclose(np.array(loaded(x)), expected, atol=1e-6)
    assert loaded.evaluate(test, verbose=0, return_dict=True)["perplexity"] == pytest.approx(
        retrained.model.evaluate(test, verbose=0, return_dict=True)["perplexity"], rel=1e-5
    )

    # Where there is TensorFlow alone it writes what the model would: the likeliest token each time.
    written = json.loads(run_python("-c", GENERATE, folder).splitlines()[-1])
    text = [0]
    for _ in written:
        text.append(int(np.argmax(retrained.model(np.array([text]))[0, -1])))
    assert written == text[1:]


def test_the_reward_of_a_perplexity(searched, data):
    """c over the mean of the batches' perplexities, each batch scored from the zero state."""
    batches = list(data[1])
    (best,) = searched.get_best_architectures(1)
    scorer = Scorer(searched.supergraph)
    scores = [scorer(best.architecture.indices, [batch])["perplexity"] for batch in batches]
    assert best.score.objective == pytest.approx(np.mean(scores), rel=1e-4)
    assert best.score.reward == pytest.approx(np.mean([80 / score for score in scores]), rel=1e-4)


class Stop(keras.callbacks.Callback):
    """Interrupts the second round in the middle of the text, when states are carried."""

    def __init__(self):
        super().__init__()
        self.epoch = None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 1 and batch == 4:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_search_that_was_stopped_goes_on(make_tuner, data, tmp_path):
    training, validation, _ = data
    ends = []
    for folder, callbacks in ((tmp_path / "a", []), (tmp_path / "b", [Stop()])):
        if callbacks:
            with pytest.raises(KeyboardInterrupt):
                make_tuner(folder).search(
                    training, validation_data=validation, callbacks=callbacks, verbose=0
                )
            assert not (folder / "p" / "derived.json").exists()
        make_tuner(folder).search(training, validation_data=validation, verbose=0)
        shared = sorted((folder / "p" / "shared").glob("generation-*"))
        ends.append(
            [(folder / "p" / "derived.json").read_bytes()]
            + [(one / "generation.json").read_bytes() for one in shared]
        )
    assert len(ends[0]) == 1 + ROUNDS
    assert ends[0] == ends[1]
