"""The macro search space of ENAS: a whole convolutional network."""

import keras
import keras_tuner

from keras_enas.choices import Keyed, OpChoice, SkipChoice
from keras_enas.hypermodels.checks import (
    check_least,
    check_one_of,
    check_training,
    refuse_to_share,
)
from keras_enas.hypermodels.children import build_architecture, changed
from keras_enas.hypermodels.classification import FORMS, check_images, choose_operations, classifier
from keras_enas.layers import (
    BatchNormalization,
    ConvNormActivation,
    FactorizedReduction,
    MaxPooling2D,
    NormActivation,
    ReLUConvNorm,
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

    Children can be built in the form in which the released code trains what was
    found, `"final"`: what a layer computes and what it skips to are concatenated
    instead of added, and pass ReLU, a 1x1 convolution and normalisation (in every
    layer that has skips to choose, chosen or not); the reductions double the
    channels.

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
        form: `"search"` or `"final"`, see above. A network of the final form can
            be a child only.
        child_filters: Optional integer, `filters` of the children that are
            retrained; default as searched.
        child_form: Optional string, their `form`.
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
        form="search",
        child_filters=None,
        child_form=None,
        dropout=0.1,
        learning_rate=0.05,
        weight_decay=2e-4,
        optimizer=None,
        **kwargs,
    ):
        self.input_shape = check_images(input_shape, num_classes)
        check_least("num_layers", num_layers, 1)
        check_least("filters", filters, 2)
        if child_filters is not None:
            check_least("child_filters", child_filters, 2)
        check_one_of("form", form, FORMS)
        check_one_of("child_form", child_form, (None, *FORMS))
        check_training(optimizer, learning_rate, weight_decay, dropout)
        self.num_classes = num_classes
        self.num_layers = num_layers
        self.filters = filters
        self.operations = choose_operations(
            OPERATIONS if operations is None else operations, OPERATIONS
        )
        self.form = form
        self.child_filters = child_filters
        self.child_form = child_form
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

    def for_children(self, recipe=None):
        """Returns the hypermodel of the children that are retrained.

        Args:
            recipe: Optional `keras_enas.training.Recipe`. This space has nothing
                that a recipe would have to be built in.

        Returns:
            A copy of this hypermodel with the children's `filters` and `form`. A
            subclass whose `__init__` works something out from these overrides
            this method, or has a property of it.
        """
        return changed(
            self,
            filters=self.child_filters or self.filters,
            form=self.child_form or self.form,
        )

    def build_architecture(self, architecture):
        """Builds the child that is retrained for an architecture.

        Args:
            architecture: An `Architecture` of this space, its text, or a
                `keras_enas.published.PublishedArchitecture`.

        Returns:
            A compiled, untrained `keras.Model`.
        """
        return build_architecture(self.for_children(), architecture)

    def check_shareable(self):
        """Checks that this can be searched with shared weights; `ENASTuner` asks at once.

        Raises:
            ValueError: If an argument is for children only.
        """
        refuse_to_share(self, form="final")

    def build(self, hp):
        """Builds and compiles the network; see `keras_tuner.HyperModel.build`."""
        if hasattr(hp, "switch_maker"):
            self.check_shareable()
        inputs = keras.Input(self.input_shape)
        filters = self.filters
        stem = keras.layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
        )
        outputs = [BatchNormalization(momentum=0.9, epsilon=1e-5)(stem(inputs))]
        for k in range(self.num_layers):
            with hp.name_scope(f"layer_{k}"):
                outputs = self._layer(hp, outputs, filters)
            if k in self.reductions:
                filters *= 2 if self.form == "final" else 1
                outputs = [FactorizedReduction(filters)(x) for x in outputs]
        return classifier(self, inputs, outputs[-1])

    def _layer(self, hp, outputs, filters):
        """Appends one layer to the outputs so far, earliest first."""
        *earlier, predecessor = outputs
        operation = OpChoice(
            hp,
            "op",
            {label: lambda make=make: make(filters) for label, make in self.operations.items()},
        )
        x = Keyed(hp, "op", lambda: ConvNormActivation(filters))(predecessor)
        x = operation(x)
        convolutions = [label for label in self.operations if label not in ("avg3", "max3")]
        if convolutions:
            x = Keyed(hp, "op", NormActivation, only=convolutions)(x)
        if earlier and self.form == "final":
            x = self._concatenated(hp, x, earlier, filters)
        elif earlier:
            x, earlier = SkipChoice(hp, "skip")(x, earlier)
            x = BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        return [*earlier, predecessor, x]

    def _concatenated(self, hp, x, earlier, filters):
        """Joins a layer with the outputs that it skips to, as the released code does finally."""
        # For the decisions alone; the sum that it gives leads nowhere.
        SkipChoice(hp, "skip")(x, earlier)
        chosen = [y for i, y in enumerate(earlier) if hp.get(f"skip/{i}")]
        if chosen:
            x = keras.layers.Concatenate()([x, *chosen])
        return ReLUConvNorm(filters)(x)
