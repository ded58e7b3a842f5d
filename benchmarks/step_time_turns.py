"""CPU seconds of single training steps, of several models by turns.

Times are taken inside `fit`, between the ends of consecutive batches, so that what `fit` does
around an epoch does not count.
"""

import sys
import time

import keras
import numpy as np
import step_time_spaces as spaces
import tensorflow as tf


class StepClock(keras.callbacks.Callback):
    """CPU seconds between the ends of consecutive batches, the first of a `fit` left out."""

    def on_train_begin(self, logs=None):
        self.steps = []
        self._last = None

    def on_train_batch_end(self, batch, logs=None):
        now = time.process_time()
        if self._last is not None:
            self.steps.append(now - self._last)
        self._last = now


def cpu(function):
    """Returns what a function returns, and its CPU seconds."""
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


def note(text):
    """Prints a line for who waits, apart from what the command prints."""
    print(text, file=sys.stderr, flush=True)


def pixels(batch_size, steps):
    """A dataset of `steps` batches of noise."""
    x, y = spaces.noise(batch_size * steps)
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size).cache()


def first_step(make, batch):
    """Returns the model that `make` returns, and the CPU seconds of that and its first step."""

    def run():
        model = make()
        model.fit(batch, shuffle=False, verbose=0)
        return model

    return cpu(run)


def take_turns(models, dataset, turns):
    """Times the steps of several models by turns.

    Args:
        models: Dict from key to a model that has made its first step.
        dataset: Batches of one `fit`; the first is not counted.
        turns: Integer, how often each model has its turn.

    Returns:
        Dict from key to CPU seconds of its median step.
    """
    clock = StepClock()
    found = {key: [] for key in models}
    order = list(models)
    rng = np.random.default_rng(0)
    for _ in range(turns):
        # In another order each time: what follows an expensive one finds other caches.
        rng.shuffle(order)
        for key in order:
            models[key].fit(dataset, callbacks=[clock], shuffle=False, verbose=0)
            found[key] += clock.steps
    return {key: float(np.median(steps)) for key, steps in found.items()}


def compare(title, space, models_of, batch_size, args):
    """Times the same models for one random architecture after the other.

    Args:
        title: String, for the lines noted.
        space: The `SearchSpace` to draw from.
        models_of: Callable that is given an `Architecture` and returns a dict
            of models as `take_turns` takes it.
        batch_size: Integer.
        args: The arguments of the command: `architectures`, `turns`, `steps`.

    Returns:
        Dict from key to CPU seconds of a step, the mean over the architectures;
        and the list of such dicts of each.
    """
    dataset = pixels(batch_size, args.steps + 1)
    table = []
    for indices in space.random(args.architectures, np.random.default_rng(1)):
        architecture = space.architecture(indices)
        # Every architecture at once would hold dozens of networks in memory.
        table.append(take_turns(models_of(architecture), dataset, args.turns))
        note(f"{title}, {architecture}: {table[-1]}")
    return {key: float(np.mean([row[key] for row in table])) for key in table[0]}, table


def milliseconds(seconds):
    return {key: 1000 * value for key, value in seconds.items()}
