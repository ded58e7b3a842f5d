"""Images as the paper trains on them: shifted, mirrored, with a square cut out.

The layers take batches, draw for every image alone, and do nothing unless
`training=True`. They belong into the data (`Recipe.dataset`); inside a model
the export leaves them out.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_enas")
class RandomShift(keras.layers.Layer):
    """Pads every image with zeros and crops it to its size at a random place.

    The standard augmentation of CIFAR-10 (margin 4 for 32x32 pixels).
    `keras.layers.RandomCrop` crops all images of a batch at the same place, and
    `RandomTranslation` interpolates between pixels.

    Args:
        margin: Integer of at least 1, pixels of padding on each side.
        seed: Optional integer.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input and output: images `(batch, height, width, channels)`.

    Raises:
        ValueError: If `margin` is below 1.
    """

    def __init__(self, margin, seed=None, **kwargs):
        super().__init__(**kwargs)
        if margin < 1:
            raise ValueError(f"`margin` must be at least 1. Received: margin={margin}.")
        self.margin = margin
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs, training=None):
        if not training:
            return inputs
        batch, height, width, _ = keras.ops.shape(inputs)
        margin = self.margin
        starts = keras.random.randint((2, batch, 1), 0, 2 * margin + 1, seed=self.seed_generator)
        padding = [[0, 0], [margin, margin], [margin, margin], [0, 0]]
        outputs = keras.ops.pad(inputs, padding)
        outputs = tf.gather(outputs, starts[0] + keras.ops.arange(height), axis=1, batch_dims=1)
        return tf.gather(outputs, starts[1] + keras.ops.arange(width), axis=2, batch_dims=1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "margin": self.margin, "seed": self.seed}

    def to_keras(self, inputs):
        """Leaves the layer out: inference does not need it."""
        return inputs, []


@keras.saving.register_keras_serializable(package="keras_enas")
class Cutout(keras.layers.Layer):
    """Sets a square of every image to a constant (DeVries & Taylor 2017).

    The centre of the square is any pixel with the same probability; what
    reaches over the border is lost. (In the released ENAS code it is the upper
    left corner that is any pixel, so the square lies too far down and right.
    `keras.layers.RandomErasing` keeps its patch inside the image.)

    Args:
        size: Integer of at least 1, pixels; 16 for 32x32 images.
        fill_value: Float. Zero is the mean of standardised images.
        seed: Optional integer.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input and output: images `(batch, height, width, channels)`.

    Raises:
        ValueError: If `size` is below 1.
    """

    def __init__(self, size, fill_value=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        if size < 1:
            raise ValueError(f"`size` must be at least 1. Received: size={size}.")
        self.size = size
        self.fill_value = fill_value
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs, training=None):
        if not training:
            return inputs
        batch, height, width, _ = keras.ops.shape(inputs)
        rows = self._covered(batch, height)[:, :, None, None]
        columns = self._covered(batch, width)[:, None, :, None]
        fill = keras.ops.cast(self.fill_value, inputs.dtype)
        return keras.ops.where(keras.ops.logical_and(rows, columns), fill, inputs)

    def _covered(self, batch, length):
        """Which of the rows (or columns) lie in the square: boolean `(batch, length)`."""
        centre = keras.random.randint((batch, 1), 0, length, seed=self.seed_generator)
        offset = keras.ops.arange(length) - (centre - self.size // 2)
        return keras.ops.logical_and(offset >= 0, offset < self.size)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "size": self.size,
            "fill_value": self.fill_value,
            "seed": self.seed,
        }

    def to_keras(self, inputs):
        """Leaves the layer out: inference does not need it."""
        return inputs, []
