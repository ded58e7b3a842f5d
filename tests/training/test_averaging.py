"""The averaging of weights: when it starts, and what it averages."""

import warnings

import keras
import numpy as np
import pytest

from keras_enas.training import AveragedSGD


class Script(keras.callbacks.Callback):
    """Gives each epoch a validation loss by hand, and notes the weight after every step."""

    def __init__(self, losses):
        super().__init__()
        self.losses, self.weights = losses, []

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(float(np.array(self.model.layers[-1].kernel).item()))

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.losses[epoch]


def trained(losses, patience=1, steps=2, **kwargs):
    """A single weight that runs away from 0 by 0.1 times the data, `steps` an epoch."""
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(0.1), lambda y, prediction: -prediction)
    script, averaging = Script(losses), AveragedSGD(patience)
    x = np.arange(1.0, steps + 1)[:, None]
    model.fit(
        x,
        x,
        batch_size=1,
        shuffle=False,
        epochs=len(losses),
        verbose=0,
        callbacks=[script, averaging],
        **kwargs,
    )
    return model, script, averaging


def test_it_is_the_mean_of_all_steps_since_the_validation_stalled():
    # With patience 1 the fourth epoch is the first worse than one at least two before it.
    model, script, averaging = trained([5.0, 4.0, 4.5, 4.2, 9.0, 9.0])
    assert averaging.started
    assert len(script.weights) == 12
    expected = np.mean(script.weights[8:])
    assert np.array(model.layers[-1].kernel).item() == pytest.approx(expected, rel=1e-5)
    assert expected < script.weights[-1]


@pytest.mark.parametrize(
    "losses, patience, starts",
    [
        ([5, 4, 3, 2, 1], 0, False),
        ([5, 6], 0, True),
        ([5, 4, 4.5], 1, False),
        ([5, 4, 4.5, 4.2], 1, True),
        ([5, 4, 4.5, 3.9], 1, False),
        # Ten epochs back is not enough while there are no ten.
        ([1] + [2] * 9, 10, False),
        ([1] + [2] * 10, 10, False),
        ([1] + [2] * 11, 10, True),
        ([float("nan"), 5, 6], 0, True),
    ],
)
def test_when_it_starts(losses, patience, starts):
    callback = AveragedSGD(patience)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        assert not callback.started
        callback.on_epoch_end(epoch, {"val_loss": float(loss)})
    assert callback.started == starts


def test_evaluations_see_the_mean_and_training_does_not():
    seen = []

    class Look(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            seen.append(float(np.array(self.model.layers[-1].kernel).item()))

    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(0.1), lambda y, prediction: -prediction)
    script = Script([1.0, 2.0, 3.0, 4.0])
    x = np.ones((2, 1))
    model.fit(
        x,
        x,
        batch_size=1,
        epochs=4,
        verbose=0,
        validation_data=(x[:1], x[:1]),
        callbacks=[script, AveragedSGD(0), Look()],
    )
    # Weights 0.1, 0.2 | 0.3, 0.4 | 0.5, 0.6 | 0.7, 0.8; averaged from the third epoch on.
    np.testing.assert_allclose(script.weights, np.arange(1, 9) / 10, rtol=1e-5)
    np.testing.assert_allclose(seen, [0.2, 0.4, 0.55, 0.65], rtol=1e-5)
    assert np.array(model.layers[-1].kernel).item() == pytest.approx(0.65, rel=1e-5)


def test_without_a_start_the_weights_are_the_last():
    model, script, averaging = trained([3.0, 2.0, 1.0])
    assert not averaging.started
    assert np.array(model.layers[-1].kernel).item() == pytest.approx(script.weights[-1])


def test_it_says_that_it_needs_validation():
    callback = AveragedSGD()
    with pytest.warns(UserWarning, match="finds no 'val_loss' in \\['loss'\\]"):
        callback.on_epoch_end(0, {"loss": 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        callback.on_epoch_end(0, {"val_loss": 1.0})


def test_it_refuses_a_negative_patience():
    with pytest.raises(ValueError, match="`patience` must be at least 0"):
        AveragedSGD(-1)
