"""A search on what `Recipe.dataset` gives can be repeated and resumed bit for bit."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_space import SmallSpace

from keras_enas.training import Recipe
from keras_enas.tuner.data import TrainingData

RECIPE = Recipe(shift=1, flip=True, cutout=2, batch_size=50)


class Interrupt(keras.callbacks.Callback):
    """Stops a search in the middle of its second round."""

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == 8:
            raise KeyboardInterrupt


@pytest.fixture
def run(make_tuner, digits):
    """Returns a function that searches two rounds as a new process would: all is made anew."""

    def run(name, callbacks=()):
        (x, y), validation = digits
        tuner = make_tuner(SmallSpace(shape=(8, 8, 1)), project_name=name)
        tuner.search(
            RECIPE.dataset(x.reshape(-1, 8, 8, 1), y, seed=0),
            validation_data=(validation[0].reshape(-1, 8, 8, 1), validation[1]),
            callbacks=list(callbacks),
            verbose=0,
        )
        return tuner

    return run


@pytest.mark.slow
def test_the_same_again_and_after_an_interruption(run, same_state):
    one = run("one")
    assert same_state(one, run("again"))
    with contextlib.suppress(KeyboardInterrupt):
        run("stopped", callbacks=[Interrupt()])
    resumed = run("stopped")
    assert int(resumed.supergraph.optimizer.iterations) == 12
    assert same_state(one, resumed)


def data_of(dataset, steps_per_epoch=None):
    return TrainingData(dataset, None, None, None, None, 0, steps_per_epoch)


def labels(dataset):
    return [np.array(y).tolist() for _, y in dataset]


def test_epochs_come_by_their_number(digits):
    """Else the test above would pass with data that never change."""
    (x, y), _ = digits
    numbered = RECIPE.dataset(x.reshape(-1, 8, 8, 1), np.arange(300), seed=0)
    epochs = [labels(numbered.of_epoch(tf.constant(i, tf.int64))) for i in range(3)]
    data = data_of(numbered)
    assert labels(data.batches([1, 2])) == epochs[1] + epochs[2]
    assert labels(data.batches([0])) == epochs[0] != epochs[1]
    # Four of six batches an epoch of the search: the second takes two of each.
    parts = data_of(numbered, steps_per_epoch=4)
    assert labels(parts.batches([1])) == epochs[0][4:] + epochs[1][:2]
    endless = RECIPE.dataset(
        tf.data.Dataset.from_tensor_slices((x.reshape(-1, 8, 8, 1), y)).batch(50).repeat(), seed=0
    )
    first, second = ([a.numpy() for a, _ in data_of(endless, 2).batches([i])] for i in (0, 1))
    assert all((a != b).any() for a, b in zip(first, second, strict=True))


def test_no_more_is_read_than_is_used():
    """What a dataset with a state of its own gives next depends on what was read of it."""
    read = []

    def count(number):
        read.append(int(number))
        return number

    dataset = tf.data.Dataset.range(6).map(
        lambda n: (n, tf.numpy_function(count, [n], tf.int64, stateful=True))
    )
    data = data_of(dataset, steps_per_epoch=4)
    read.clear()
    # Somebody fetches as much as there is, as TensorFlow may at the end of any pipeline.
    batches = iter(data.batches([0, 1]).prefetch(100))
    taken = [int(next(batches)[0]) for _ in range(8)]
    assert taken == [0, 1, 2, 3, 4, 5, 0, 1] == read
    with pytest.raises(StopIteration):
        next(batches)
    assert len(read) == 8
