"""The macro search space of ENAS: a whole convolutional network."""

import keras
import keras_tuner

from keras_enas.choices import Keyed, OpChoice, SkipChoice
from keras_enas.layers import (
    BatchNormalization,
    ConvNormActivation,
    FactorizedReduction,
    MaxPooling2D,
    NormActivation,
)


def _convolution(size):
    return lambda filters: keras.layers.Conv2D(
        filters, size, padding="same", use_bias=False, kernel_initializer="he_normal"
    )


def _separable(size):
    return lambda filters: keras.layers.SeparableConv2D(
        filters,
        size,
        padding="same",
        use_bias=False,
        depthwise_initializer="he_normal",
        pointwise_initializer="he_normal",
    )


# In the order of the released code's operation ids, 0 to 5.
OPERATIONS = {
    "conv3": _convolution(3),
    "sep3": _separable(3),
    "conv5": _convolution(5),
    "sep5": _separable(5),
    "avg3": lambda filters: keras.layers.AveragePooling2D(3, strides=1, padding="same"),
    "max3": lambda filters: MaxPooling2D(3, strides=1, padding="same"),
}


class HyperMacroCNN(keras_tuner.HyperModel):
    """The macro space of ENAS (Pham et al. 2018, section 2.3): a whole network.

    A stem, then `num_layers` layers. Layer k takes the output of its
    predecessor through a 1x1 convolution, normalisation and ReLU, then one of
    the operations (a convolution is followed by normalisation and ReLU, a
    pooling by nothing), adds whichever earlier outputs it skips to (any but the
    immediate predecessor; the stem counts as the earliest), and normalises.
    After layers L/3 and 2L/3 every output so far is halved by a
    `FactorizedReduction`, so that later skips fit. Global average pooling,
    dropout and a dense softmax end it.

    Args:
        input_shape: Tuple `(height, width, channels)`, at least 4x4 pixels.
        num_classes: Integer of at least 2. Labels are integers `0 .. num_classes-1`.
        num_layers: Integer; 12 layers have 78 decisions and 1.6e29 architectures.
        filters: Integer of at least 2, channels of every layer (the released
            code keeps them constant while it searches).
        operations: Optional; a list of labels out of `conv3`, `sep3`, `conv5`,
            `sep5`, `avg3`, `max3` (default: all six), or a dict from label to a
            callable that takes `filters` and returns a layer which keeps height
            and width and gives `filters` channels.
        dropout: Float, the share dropped before the dense layer.
        learning_rate: Float or `keras.optimizers.schedules.LearningRateSchedule`
            of the default optimizer.
        weight_decay: Float, decoupled weight decay of the default optimizer.
            The paper's L2 of 1e-4, whose gradient goes through the momentum,
            shrinks weights as 2e-3 does here.
        optimizer: Optional callable without arguments that returns a new
            `keras.optimizers.Optimizer`, in place of the default SGD with
            Nesterov momentum 0.9 and gradients clipped to a global norm of 5.
        **kwargs: Arguments of `keras_tuner.HyperModel`.

    Raises:
        ValueError: If an argument does not fit; it says what would do.
    """

    def __init__(
        self,
        input_shape,
        num_classes,
        num_layers=12,
        filters=36,
        operations=None,
        dropout=0.1,
        learning_rate=0.05,
        weight_decay=2e-4,
        optimizer=None,
        **kwargs,
    ):
        input_shape = tuple(input_shape)
        if len(input_shape) != 3 or not all(isinstance(n, int) and n > 0 for n in input_shape):
            raise ValueError(
                "`input_shape` must be (height, width, channels), three positive integers. "
                f"Received: input_shape={input_shape}."
            )
        if min(input_shape[:2]) < 4:
            raise ValueError(
                "`input_shape` must be at least 4x4 pixels, since the network halves it twice. "
                f"Received: input_shape={input_shape}."
            )
        if num_classes < 2:
            raise ValueError(f"`num_classes` must be at least 2. Received: {num_classes}.")
        if num_layers < 1:
            raise ValueError(f"`num_layers` must be at least 1. Received: {num_layers}.")
        if filters < 2:
            raise ValueError(f"`filters` must be at least 2. Received: {filters}.")
        if operations is None:
            operations = OPERATIONS
        elif not isinstance(operations, dict):
            unknown = [label for label in operations if label not in OPERATIONS]
            if unknown or not operations:
                raise ValueError(
                    f"`operations` must be some of {list(OPERATIONS)}, or a dict from label to "
                    f"`callable(filters) -> layer`. Received: operations={operations!r}."
                )
            operations = {label: OPERATIONS[label] for label in operations}
        if optimizer is not None and not callable(optimizer):
            raise ValueError(
                "`optimizer` must be a callable that returns a new optimizer, such as "
                f"`lambda: keras.optimizers.Adam(1e-3)`. Received: {optimizer!r}."
            )
        self.input_shape = input_shape
        self.num_classes = num_classes
        self.num_layers = num_layers
        self.filters = filters
        self.operations = dict(operations)
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        super().__init__(**kwargs)

    @property
    def reductions(self):
        """The layers after which the image is halved, counted from 0."""
        third = self.num_layers // 3
        return (third - 1, 2 * third - 1) if third else ()

    def build(self, hp):
        """Builds and compiles the network; see `keras_tuner.HyperModel.build`."""
        inputs = keras.Input(self.input_shape)
        stem = keras.layers.Conv2D(
            self.filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
        )
        outputs = [BatchNormalization(momentum=0.9, epsilon=1e-5)(stem(inputs))]
        for k in range(self.num_layers):
            with hp.name_scope(f"layer_{k}"):
                outputs = self._layer(hp, outputs)
            if k in self.reductions:
                outputs = [FactorizedReduction(self.filters)(x) for x in outputs]
        x = keras.layers.GlobalAveragePooling2D()(outputs[-1])
        x = keras.layers.Dropout(self.dropout)(x)
        x = keras.layers.Dense(self.num_classes, use_bias=False)(x)
        # float32, so that mixed precision does not round probabilities.
        x = keras.layers.Activation("softmax", dtype="float32")(x)
        model = keras.Model(inputs, x)
        model.compile(self._optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def _layer(self, hp, outputs):
        """Appends one layer to the outputs so far, earliest first."""
        *earlier, predecessor = outputs
        operation = OpChoice(
            hp,
            "op",
            {
                label: lambda make=make: make(self.filters)
                for label, make in self.operations.items()
            },
        )
        x = Keyed(hp, "op", lambda: ConvNormActivation(self.filters))(predecessor)
        x = operation(x)
        convolutions = [label for label in self.operations if label not in ("avg3", "max3")]
        if convolutions:
            x = Keyed(hp, "op", NormActivation, only=convolutions)(x)
        if earlier:
            x, earlier = SkipChoice(hp, "skip")(x, earlier)
            x = BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        return [*earlier, predecessor, x]

    def _optimizer(self):
        if self.optimizer is not None:
            return self.optimizer()
        return keras.optimizers.SGD(
            self.learning_rate,
            momentum=0.9,
            nesterov=True,
            weight_decay=self.weight_decay,
            global_clipnorm=5.0,
        )
