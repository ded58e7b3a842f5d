"""Gradient descent with the L2 penalty of the paper."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_enas")
class L2SGD(keras.optimizers.SGD):
    """`keras.optimizers.SGD` that minimises `loss + l2 * sum(w ** 2)` over all trainable weights.

    The sum has no factor 1/2 and takes in the scales and offsets of the
    normalisations, as the released ENAS code has it (`get_train_ops`); it is
    `keras.regularizers.L2(l2)` on every weight, to the rounding. Its gradient
    `2 * l2 * w` is added to that of the loss before clipping and goes through
    the momentum. Keras's decoupled `weight_decay=d` does neither: under a
    momentum m it shrinks weights like an L2 of `d * (1 - m) / 2`.

    The penalty is added here and not by regularizers in the layers: no layer
    has to know of it, the model and the loss that is printed stay as they are,
    and it is saved with the model. A step costs the same either way.

    Args:
        learning_rate: As in `keras.optimizers.SGD`.
        l2: Float of at least 0.
        **kwargs: Further arguments of `keras.optimizers.SGD`.

    Raises:
        ValueError: If `l2` is negative.
    """

    def __init__(self, learning_rate=0.01, l2=0.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        if not 0.0 <= l2 < float("inf"):
            raise ValueError(f"`l2` must be a finite number of at least 0. Received: l2={l2}.")
        self.l2 = l2

    def apply(self, grads, trainable_variables=None):
        variables = (
            self._trainable_variables
            if trainable_variables is None
            else (list(trainable_variables))
        )
        if self.l2:
            # Keras adds the gradients of all replicas up.
            factor = 2.0 * self.l2 / tf.distribute.get_strategy().num_replicas_in_sync
            if self.loss_scale_factor is not None:
                factor *= self.loss_scale_factor
            grads = [
                None if g is None else tf.convert_to_tensor(g) + tf.cast(factor * v, g.dtype)
                for g, v in zip(grads, variables, strict=True)
            ]
        super().apply(grads, trainable_variables)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}
