"""Metrics that Keras does not have."""

import keras


@keras.saving.register_keras_serializable(package="keras_enas")
class Perplexity(keras.metrics.Mean):
    """Perplexity: `exp` of the mean cross-entropy over all tokens seen.

    The mean is taken over the tokens of all batches and only then raised, so a
    shorter last batch counts by its tokens. (`keras.metrics.Mean` counts the
    examples of a batch, whatever their length.)

    `keras_tuner` cannot know that less is better: the objective is
    `keras_tuner.Objective("val_perplexity", "min")`.

    Args:
        from_logits: Boolean, whether the model gives logits, not probabilities.
        name: String.
        dtype: As in `keras.metrics.Metric`.
    """

    def __init__(self, from_logits=False, name="perplexity", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.from_logits = from_logits
        # Of `keras.callbacks`' mode "auto".
        self._direction = "down"

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Integer tensor `(..., steps)` of labels.
            y_pred: Float tensor `(..., steps, classes)`.
            sample_weight: Optional tensor of the shape of `y_true` or of its
                first dimensions.
        """
        values = keras.losses.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=self.from_logits
        )
        if sample_weight is not None:
            sample_weight = keras.ops.cast(sample_weight, values.dtype)
            missing = len(values.shape) - len(sample_weight.shape)
            sample_weight = keras.ops.reshape(
                sample_weight, (*keras.ops.shape(sample_weight), *[1] * missing)
            )
            sample_weight = keras.ops.broadcast_to(sample_weight, keras.ops.shape(values))
            sample_weight = keras.ops.reshape(sample_weight, (-1,))
        super().update_state(keras.ops.reshape(values, (-1,)), sample_weight)

    def result(self):
        return keras.ops.exp(super().result())

    def get_config(self):
        return {**super().get_config(), "from_logits": self.from_logits}
