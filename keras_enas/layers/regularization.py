"""Regularisation that acts while training only, and that a recipe turns on.

A hypermodel places these layers where they belong. As they are built they do
nothing and cost nothing; `keras_enas.training.Recipe` sets them when it trains
a child, and the export leaves them out.
"""

import keras


@keras.saving.register_keras_serializable(package="keras_enas")
class DropPath(keras.layers.Layer):
    """Drops what a path computed, example by example, more often as training goes on.

    With probability `1 - kept` an example's whole tensor becomes zero; the
    others are divided by `kept`, so that the expectation is the input:

        kept = 1 - step_ratio * layer_ratio * (1 - keep)
        step_ratio = min(1, (step + 1) / total_steps)

    as in the released ENAS code (`_apply_drop_path`), after Larsson et al. 2017
    and Zoph et al. 2018. Every call that trains counts as a step. A path that
    is the identity gets none. Without `keep` or `total_steps`, and in inference,
    the layer hands on its input.

    Args:
        layer_ratio: Float from 0 to 1, how deep the layer stands: `(l + 1) / (L + 2)`
            in cell l of L + 2.
        keep: Optional float above 0 and up to 1, what the last layer keeps in
            the last step; 0.6 in the paper's code.
        total_steps: Optional integer, steps of the whole training.
        seed: Optional integer.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, layer_ratio, keep=None, total_steps=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0.0 <= layer_ratio <= 1.0:
            raise ValueError(
                "`layer_ratio` must be from 0 to 1, such as (l + 1) / (L + 2). "
                f"Received: layer_ratio={layer_ratio}."
            )
        self.layer_ratio = layer_ratio
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self._set(keep, total_steps)

    def build(self, input_shape):
        self.step = self.add_weight(
            name="step",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )

    def schedule(self, keep, total_steps):
        """Sets the two arguments and counts steps from 0 again.

        They are constants of the compiled step, so compile the model afterwards.

        Args:
            keep: As in the constructor; None turns the layer off.
            total_steps: As in the constructor.
        """
        self._set(keep, total_steps)
        if self.built:
            self.step.assign(0)

    def _set(self, keep, total_steps):
        if keep is not None and not 0.0 < keep <= 1.0:
            raise ValueError(f"`keep` must be above 0 and up to 1. Received: keep={keep}.")
        if total_steps is not None and total_steps < 1:
            raise ValueError(
                f"`total_steps` must be at least 1. Received: total_steps={total_steps}."
            )
        self.keep = keep
        self.total_steps = total_steps

    def kept(self, step):
        """Probability that an example is kept in a step, counted from 0: a float32 scalar."""
        step_ratio = (keras.ops.cast(step, "float32") + 1.0) / float(self.total_steps)
        step_ratio = keras.ops.minimum(step_ratio, 1.0)
        return 1.0 - step_ratio * (self.layer_ratio * (1.0 - self.keep))

    def call(self, inputs, training=None):
        if not training or self.keep in (None, 1.0) or self.total_steps is None:
            return inputs
        step = keras.ops.convert_to_tensor(self.step)
        kept = self.kept(step)
        self.step.assign(step + 1)
        shape = keras.ops.shape(inputs)
        shape = (shape[0], *([1] * (len(shape) - 1)))
        draws = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        mask = keras.ops.where(draws < kept, 1.0 / kept, 0.0)
        return inputs * keras.ops.cast(mask, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "layer_ratio": self.layer_ratio,
            "keep": self.keep,
            "total_steps": self.total_steps,
            "seed": self.seed,
        }

    def to_keras(self, inputs):
        """Leaves the layer out: inference does not need it."""
        return inputs, []


@keras.saving.register_keras_serializable(package="keras_enas")
class ActivationRegularization(keras.layers.Layer):
    """Keeps the outputs of a recurrent layer small and slow.

    Adds to the loss, while training only,

        l2 * mean(h_t ** 2) + slowness * mean((h_{t+1} - h_t) ** 2)

    (AR and TAR of Merity et al. 2017; `alpha` and `beta` of the corrected
    language-model code of ENAS, `enas_lm/src/child.py`, which takes the outputs
    before their dropout). `keras.layers.ActivityRegularization` sums instead of
    taking the mean, knows no time, and adds to the loss of an evaluation too.

    Args:
        l2: Float, the first weight.
        slowness: Float, the second weight.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input and output: the same tensor `(batch, time, units)`.

    Raises:
        ValueError: If a weight is negative or not finite.
    """

    def __init__(self, l2=0.0, slowness=0.0, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self.supports_masking = True
        self.weigh(l2, slowness)

    def weigh(self, l2, slowness):
        """Sets the two weights. Compile the model afterwards."""
        for name, value in (("l2", l2), ("slowness", slowness)):
            if not 0.0 <= value < float("inf"):
                raise ValueError(
                    f"`{name}` must be a finite number of at least 0. Received: {name}={value}."
                )
        self.l2 = l2
        self.slowness = slowness

    def call(self, inputs, training=None):
        if training and (self.l2 or self.slowness):
            outputs = keras.ops.cast(inputs, "float32")
            loss = 0.0
            if self.l2:
                loss += self.l2 * keras.ops.mean(keras.ops.square(outputs))
            if self.slowness:
                change = outputs[:, 1:] - outputs[:, :-1]
                # Of a single step there is none, and its mean would be NaN.
                count = keras.ops.cast(keras.ops.size(change), "float32")
                total = keras.ops.sum(keras.ops.square(change))
                loss += self.slowness * keras.ops.divide_no_nan(total, count)
            self.add_loss(loss)
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "l2": self.l2, "slowness": self.slowness}

    def to_keras(self, inputs):
        """Leaves the layer out: inference does not need it."""
        return inputs, []
