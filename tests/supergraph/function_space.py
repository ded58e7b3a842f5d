"""Search spaces written as a function, where a test needs one of its own."""

import keras
import keras_tuner


def compiled(inputs, outputs, **kwargs):
    """Returns the model from inputs to outputs, compiled with SGD and the mean squared error."""
    model = keras.Model(inputs, outputs)
    kwargs = {"optimizer": "sgd", "loss": "mse", **kwargs}
    model.compile(**kwargs)
    return model


class FromFunction(keras_tuner.HyperModel):
    """A hypermodel whose `build(hp)` is the function given."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def build(self, hp):
        return self.function(hp)
