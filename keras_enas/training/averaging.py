"""Averaged stochastic gradient descent."""

import math
import warnings

import keras
import numpy as np
import tensorflow as tf


class AveragedSGD(keras.callbacks.Callback):
    """Averages the weights of all steps since the validation stopped improving.

    After an epoch whose validation is worse than the best of those that lie
    more than `patience` epochs back, the mean of the trainable weights over all
    later steps is kept (Polyak & Juditsky 1992; triggered as in AWD-LSTM,
    Merity et al. 2017, and in `enas_lm/src/fixed.py`). From then on evaluations
    in `fit` see the mean, training goes on from the last step, and the model
    has the mean when training ends. The `use_ema` of Keras's optimizers averages
    from the first step, and forgets at a fixed rate.

    Weights that are not trained by gradients, such as moving averages, are left
    alone. The mean lives in the callback: it is not in a checkpoint. With
    `steps_per_execution` above 1 only the last step of each execution counts.

    Args:
        patience: Integer of at least 0; 10 in `enas_lm`.
        monitor: String, a quantity of the logs that should be small.

    Attributes:
        started: Boolean, whether the averaging has begun.

    Raises:
        ValueError: If `patience` is negative.
    """

    def __init__(self, patience=10, monitor="val_loss"):
        super().__init__()
        if patience < 0:
            raise ValueError(f"`patience` must be at least 0. Received: patience={patience}.")
        self.patience = patience
        self.monitor = monitor
        self._forget()

    def _forget(self):
        self.started = False
        self._history = []
        self._last = None

    def on_train_begin(self, logs=None):
        self._forget()

    def on_epoch_end(self, epoch, logs=None):
        value = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"AveragedSGD finds no '{self.monitor}' in {sorted(logs or {})} and never starts "
                "to average. Give `validation_data` to `fit`.",
                stacklevel=2,
            )
            return
        earlier = self._history[: max(0, len(self._history) - self.patience)]
        if not self.started and earlier and value > min(earlier):
            self._start()
        if math.isfinite(value):
            self._history.append(value)

    def _start(self):
        weights = [variable.value for variable in self.model.trainable_variables]
        means = [tf.Variable(tf.zeros_like(weight)) for weight in weights]
        count = tf.Variable(0.0)

        @tf.function(autograph=False)
        def update():
            count.assign_add(1.0)
            for mean, weight in zip(means, weights, strict=True):
                mean.assign_add((weight - mean) / tf.cast(count, mean.dtype))

        self._means, self._update, self.started = means, update, True
        self._averaged = False

    def on_train_batch_end(self, batch, logs=None):
        if self.started:
            self._update()
            self._averaged = True

    def on_test_begin(self, logs=None):
        if self.started and self._averaged:
            self._last = [np.array(variable) for variable in self.model.trainable_variables]
            self._use(self._means)

    def on_test_end(self, logs=None):
        if self._last is not None:
            self._use(self._last)
            self._last = None

    def on_train_end(self, logs=None):
        if self.started and self._averaged:
            self._use(self._means)

    def _use(self, values):
        for variable, value in zip(self.model.trainable_variables, values, strict=True):
            variable.assign(value)
