"""A Keras model whose recurrent layers go on where the last batch ended."""

import keras
import tensorflow as tf

from keras_enas.layers.carry import Given, carrying
from keras_enas.layers.recurrent import Recurrent


@keras.saving.register_keras_serializable(package="keras_enas")
class LanguageModel(keras.Model):
    """A functional model for batches of streams: truncated back-propagation with carried state.

    Made like `keras.Model(inputs, outputs)`. In `fit` and `evaluate` every
    `Recurrent` layer carries its state from batch to batch: row i of a batch must
    continue row i of the batch before, as in `keras_enas.text.stream_batches`.
    States are reset where metrics are, at the start of each epoch and of each
    evaluation (and in `train_on_batch`). `predict` and a plain call begin with
    zeros.
    """

    @property
    def recurrent_layers(self):
        """The layers with a state, in the order of the model's layers."""
        return [x for x in self._flatten_layers() if isinstance(x, Recurrent)]

    def _carrying(self):
        return carrying({id(layer): layer.memory for layer in self.recurrent_layers})

    def begin_batch(self, first):
        """Prepares for a batch that is trained several times, each time from the same states.

        Args:
            first: Boolean tensor, whether it is the first training of the batch.
        """
        for layer in self.recurrent_layers:
            layer.memory.begin(first)

    def train_step(self, data):
        with self._carrying():
            return super().train_step(data)

    def test_step(self, data):
        with self._carrying():
            return super().test_step(data)

    def reset_metrics(self):
        """Resets metrics and states; Keras calls it when an epoch or an evaluation begins."""
        super().reset_metrics()
        for layer in self.recurrent_layers:
            layer.memory.reset()

    def call_with_states(self, inputs, states):
        """Runs the model from given states.

        Args:
            inputs: int32 tensor `(streams, steps)`.
            states: List of float tensors `(streams, units)`, one for each of
                `recurrent_layers`.

        Returns:
            Tuple of the outputs and the list of the states after the last step.
        """
        layers = self.recurrent_layers
        memories = {id(x): Given(state) for x, state in zip(layers, states, strict=True)}
        with carrying(memories):
            outputs = self(inputs, training=False)
        return outputs, [memories[id(layer)].state for layer in layers]

    def export(self, filepath, format="tf_saved_model", verbose=None, **kwargs):
        """Writes a SavedModel with states in and out, which needs TensorFlow alone.

        It has two endpoints: `states = loaded.initial_states(n)` of `n` streams
        that begin, and `outputs, *states = loaded.serve(tokens, *states)` for
        int32 tokens `(streams, steps)`. So text can be generated token by token.

        Args:
            filepath: As in `keras.Model.export`.
            format: As there; other formats than `"tf_saved_model"`, and those
                with `input_signature`, export the model without states.
            verbose: As there.
            **kwargs: As there.
        """
        if format != "tf_saved_model" or kwargs:
            super().export(filepath, format=format, verbose=verbose, **kwargs)
            return
        shapes = [((None, x.cell.units), x.compute_dtype) for x in self.recurrent_layers]

        def serve(tokens, *states):
            outputs, states = self.call_with_states(tokens, states)
            return outputs, *states

        def initial_states(n):
            return [tf.zeros((n, shape[1]), dtype) for shape, dtype in shapes]

        tokens = tf.TensorSpec(self.inputs[0].shape, self.inputs[0].dtype, "tokens")
        states = [tf.TensorSpec(*one, name=f"state_{i}") for i, one in enumerate(shapes)]
        archive = keras.export.ExportArchive()
        archive.track(self)
        archive.add_endpoint("serve", serve, [tokens, *states])
        archive.add_endpoint("initial_states", initial_states, [tf.TensorSpec((), tf.int32, "n")])
        archive.write_out(filepath, verbose=bool(verbose))
