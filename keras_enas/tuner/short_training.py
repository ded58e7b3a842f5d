"""Architectures trained by themselves, without a trace of their own.

A supergraph whose step trains one architecture only is that architecture's child: the other
candidates are there and do nothing. With its weights put back to what they were at the beginning
it is the next one's. So a short training costs its steps, and not the seconds of a trace.
"""

import math
import time

import keras
import numpy as np

from keras_enas.tuner import state
from keras_enas.tuner.alone import has_schedule


class ShortTraining:
    """Trains and scores single architectures in a supergraph of its own.

    All begin with the same weights and see the same batches, so that they differ
    by their architecture and not by the luck of the draw (of a dataset that is another one
    in each iteration, the batches that it gives).

    Args:
        supergraph: A `Supergraph` that nothing else uses, as it was built.
        judge: The `Judge` that scores with its weights.
        training: `TrainingData`.
        validation: `ValidationData`.
        fit: Optional callable like `supergraph.fit`, which it is by default.
    """

    def __init__(self, supergraph, judge, training, validation, fit=None):
        self._supergraph = supergraph
        self._fit = fit or supergraph.fit
        self._judge = judge
        self._training = training
        self._validation = validation
        self.initial = state.get_arrays(supergraph)
        optimizer = supergraph.network.optimizer
        # A schedule of its own is followed.
        self._rate = None if has_schedule(optimizer) else float(optimizer.learning_rate)

    def train(self, indices, arrays, behind, epochs):
        """Trains an architecture for a while, its learning rate falling to 0 along a cosine.

        Args:
            indices: Integers `(decisions,)`.
            arrays: What it begins with: `initial`, or what this returned for it.
            behind: Number, how many epochs it has behind it.
            epochs: Number, for how many it is trained, a part of one or more.

        Returns:
            Its arrays after that, its `Score` on all validation data, and the process CPU
            seconds of its steps alone.
        """
        in_epoch = self._training.steps
        first, end = round(behind * in_epoch), round((behind + epochs) * in_epoch)
        steps = max(end - first, 1)
        epoch, done = divmod(first, in_epoch)
        batches = self._training.batches(range(epoch, -(-(first + steps) // in_epoch)))
        state.set_arrays(self._supergraph, arrays)
        self._supergraph.set_architectures(np.asarray([indices], np.int32))
        began = time.process_time()
        self._fit(
            batches.skip(done).take(steps),
            # All of it is one epoch to Keras; a `fit` of the hypermodel's may have another default.
            initial_epoch=0,
            epochs=1,
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
            callbacks=[] if self._rate is None else [_Cosine(self._rate, steps)],
        )
        seconds = time.process_time() - began
        arrays = state.get_arrays(self._supergraph)
        return arrays, self._judge.score(indices, self._validation), seconds


class _Cosine(keras.callbacks.Callback):
    """Lets the learning rate fall from a rate to 0 along a cosine, step by step."""

    def __init__(self, rate, steps):
        super().__init__()
        self._rate = rate
        self._steps = steps

    def on_train_batch_begin(self, batch, logs=None):
        share = batch / self._steps
        rate = 0.5 * self._rate * (1.0 + math.cos(math.pi * share))
        self.model.optimizer.learning_rate.assign(rate)

    def on_train_end(self, logs=None):
        self.model.optimizer.learning_rate.assign(self._rate)
