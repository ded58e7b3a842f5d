"""The cells of NAS-Bench-201, all of whose true accuracies are known."""

import functools
import itertools
import re

import keras
import keras_tuner

from keras_enas.choices import OpChoice
from keras_enas.hypermodels.checks import check_least, check_training
from keras_enas.hypermodels.children import build_architecture, changed, space_of
from keras_enas.hypermodels.classification import check_images, classifier
from keras_enas.layers import BatchNormalization, ReLUConvNorm, Zeros
from keras_enas.search_space import Architecture

# In the benchmark's order.
OPERATIONS = {
    "none": lambda filters: Zeros(),
    "skip_connect": lambda filters: keras.layers.Identity(),
    "nor_conv_1x1": lambda filters: ReLUConvNorm(filters, (1,)),
    "nor_conv_3x3": lambda filters: ReLUConvNorm(filters, (3,)),
    "avg_pool_3x3": lambda filters: keras.layers.AveragePooling2D(3, strides=1, padding="same"),
}
NODES = 4
STAGES = 3


class HyperNASBench201(keras_tuner.HyperModel):
    """The space of NAS-Bench-201 (Dong and Yang 2020, section 2): 15,625 cells.

    A cell has four nodes. Each of its six edges, from an earlier node to a later
    one, is one of five operations, and a node is the sum of its edges. A network
    is a stem, then three stages of `cells_per_stage` equal cells; before the
    second and the third a residual block halves the image and doubles the
    channels. Normalisation, ReLU, global average pooling and a dense softmax end
    it. The benchmark trained it with 5 cells a stage and 16 filters.

    Args:
        input_shape: Tuple `(height, width, channels)`, at least 4x4 pixels.
        num_classes: Integer of at least 2. Labels are integers `0 .. num_classes-1`.
        cells_per_stage: Integer.
        filters: Integer, channels of the first stage.
        child_cells: Optional integer, `cells_per_stage` of the children that are
            retrained; default as searched.
        child_filters: Optional integer, their `filters`.
        dropout: Float, the share dropped before the dense layer.
        learning_rate: Float or `keras.optimizers.schedules.LearningRateSchedule`
            of the default optimizer.
        weight_decay: Float, decoupled weight decay of the default optimizer.
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
        cells_per_stage=5,
        filters=16,
        child_cells=None,
        child_filters=None,
        dropout=0.0,
        learning_rate=0.1,
        weight_decay=5e-4,
        optimizer=None,
        **kwargs,
    ):
        self.input_shape = check_images(input_shape, num_classes)
        for name, value in (("cells_per_stage", cells_per_stage), ("filters", filters)):
            check_least(name, value, 1)
        for name, value in (("child_cells", child_cells), ("child_filters", child_filters)):
            if value is not None:
                check_least(name, value, 1)
        check_training(optimizer, learning_rate, weight_decay, dropout)
        self.num_classes = num_classes
        self.cells_per_stage = cells_per_stage
        self.filters = filters
        self.child_cells = child_cells
        self.child_filters = child_filters
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        super().__init__(**kwargs)

    def build(self, hp):
        """Builds and compiles the network; see `keras_tuner.HyperModel.build`."""
        inputs = keras.Input(self.input_shape)
        filters = self.filters
        x = _convolution(filters)(inputs)
        x = BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        for stage in range(STAGES):
            if stage:
                filters *= 2
                x = _residual(x, filters)
            for _ in range(self.cells_per_stage):
                x = self._cell(hp, x, filters)
        x = BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        return classifier(self, inputs, keras.layers.ReLU()(x), use_bias=True)

    def _cell(self, hp, x, filters):
        candidates = {label: lambda make=make: make(filters) for label, make in OPERATIONS.items()}
        nodes = [x]
        for node in range(1, NODES):
            with hp.name_scope(f"node_{node}"):
                edges = [
                    OpChoice(hp, f"from_{source}", candidates)(nodes[source])
                    for source in range(node)
                ]
            nodes.append(keras.layers.Add()(edges) if len(edges) > 1 else edges[0])
        return nodes[-1]

    def for_children(self, recipe=None):
        """Returns the hypermodel of the children that are retrained.

        Args:
            recipe: Optional `keras_enas.training.Recipe`. This space has nothing
                that a recipe would have to be built in.

        Returns:
            A copy of this hypermodel with the children's `cells_per_stage` and `filters`.
        """
        return changed(
            self,
            cells_per_stage=self.child_cells or self.cells_per_stage,
            filters=self.child_filters or self.filters,
        )

    def build_architecture(self, architecture):
        """Builds the child that is retrained for an architecture.

        Args:
            architecture: An `Architecture` of this space, its text, the
                benchmark's text, or indices `(6,)`.

        Returns:
            A compiled, untrained `keras.Model`.

        Raises:
            ValueError: If it is none of these.
        """
        return build_architecture(self.for_children(), self._architecture(architecture))

    def parse(self, text):
        """Reads the benchmark's text form of a cell.

        Args:
            text: String such as
                `"|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"`.

        Returns:
            An `Architecture`.

        Raises:
            ValueError: If it is not of this form.
        """
        edges = re.findall(r"([^|+~]+)~(\d+)", text) if isinstance(text, str) else []
        sources = [str(source) for node in range(1, NODES) for source in range(node)]
        labels = [label for label, _ in edges]
        # Written again it must be the same: then nothing else stood in it.
        if [source for _, source in edges] != sources or _written(labels) != text:
            raise ValueError(
                "`text` must have the form of the benchmark, such as "
                f"{_written(['none'] * len(sources))!r}. Received: {text!r}."
            )
        names = [decision.name for decision in self._space]
        return self._space.from_values(dict(zip(names, labels, strict=True)))

    @functools.cached_property
    def _space(self):
        # The same whatever the arguments are, and a second to build.
        return space_of(self)

    def text_of(self, architecture):
        """Returns the benchmark's text form of a cell.

        Args:
            architecture: As in `build_architecture`.

        Raises:
            ValueError: If it is none of this space.
        """
        return _written(list(self._architecture(architecture).values.values()))

    def _architecture(self, given):
        """The `Architecture` of what stands for one, as in `build_architecture`."""
        if isinstance(given, str):
            return self.parse(given) if "~" in given else self._space.parse(given)
        if not isinstance(given, Architecture):
            try:
                return self._space.architecture(given)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    "`architecture` must be an `Architecture` of this space, its text, the "
                    f"benchmark's text, or six indices. Received: {given!r}. {error}"
                ) from None
        if given.space != self._space:
            raise ValueError(
                "`architecture` is of another space: "
                f"{self._space.difference(given.space)}. Received: {given!r}."
            )
        return given

    def simplest(self, architecture):
        """Returns the same network without operations that go nowhere.

        An edge is of use if its operation is not `none`, something comes to where it begins, and
        what comes to where it ends goes on to the last node. The others become `none`. The
        benchmark trained and counted each of its 15,625 cells as it stands; 9,445 of them are
        left.

        Args:
            architecture: As in `build_architecture`.

        Returns:
            An `Architecture`.

        Raises:
            ValueError: If it is none of this space.
        """
        architecture = self._architecture(architecture)
        none = list(OPERATIONS).index("none")
        edges = [(source, node) for node in range(1, NODES) for source in range(node)]
        used = {e: i for e, i in zip(edges, architecture.indices, strict=True) if i != none}
        reached, of_use = {0}, {NODES - 1}
        for source, node in used:
            if source in reached:
                reached.add(node)
        for source, node in reversed(used):
            if node in of_use:
                of_use.add(source)
        return self._space.architecture(
            [used[e] if e in used and e[0] in reached and e[1] in of_use else none for e in edges]
        )

    def count_parameters(self, architecture):
        """Trainable parameters of the child that `build` gives, without building it.

        Args:
            architecture: As in `build_architecture`.

        Returns:
            Integer; with 3 channels, 10 classes, 5 cells a stage and 16 filters the
            benchmark's own.

        Raises:
            ValueError: If it is none of this space.
        """
        taps = self._taps(architecture)
        channels = [self.filters * 2**stage for stage in range(STAGES)]
        total = 9 * self.input_shape[-1] * channels[0] + 2 * channels[0]
        for before, after in itertools.pairwise(channels):
            total += 9 * before * after + 9 * after * after + 4 * after + before * after
        for c in channels:
            total += self.cells_per_stage * sum(t * c * c + 2 * c for t in taps)
        return total + 2 * channels[-1] + (channels[-1] + 1) * self.num_classes

    def count_flops(self, architecture):
        """The benchmark's count of operations for one image, without building the child.

        A multiplication with its addition counts as one; of what is normalised two
        are counted for each number, of what is averaged in the end one; additions,
        ReLU and poolings in cells are left out. (`keras_enas.cost.count_flops`,
        of any model, counts everything, a multiplication and an addition as two.)

        Args:
            architecture: As in `build_architecture`.

        Returns:
            Integer.

        Raises:
            ValueError: If it is none of this space.
        """
        taps = self._taps(architecture)
        height, width = self.input_shape[:2]
        channels = self.filters
        total = height * width * channels * (9 * self.input_shape[-1] + 2)
        for stage in range(STAGES):
            if stage:
                # A pooling without padding in the one branch, "same" in the other: even sizes.
                height, width = -(-height // 2), -(-width // 2)
                before, channels = channels, 2 * channels
                total += height * width * channels * (9 * before + 9 * channels + 4 + before)
            edges = sum(t * channels + 2 for t in taps)
            total += self.cells_per_stage * height * width * channels * edges
        # The last normalisation, the mean, the dense layer.
        return total + height * width * channels * 3 + channels * self.num_classes

    def _taps(self, architecture):
        """Taps of the kernels of the convolutions of a cell."""
        taps = {"nor_conv_1x1": 1, "nor_conv_3x3": 9}
        chosen = self._architecture(architecture).values.values()
        return [taps[label] for label in chosen if label in taps]


def _written(labels):
    labels, nodes = iter(labels), []
    for node in range(1, NODES):
        nodes.append("|".join(["", *(f"{next(labels)}~{i}" for i in range(node)), ""]))
    return "+".join(nodes)


def _convolution(filters, strides=1, size=3):
    return keras.layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )


def _residual(x, filters):
    """The benchmark's block between stages: two convolutions beside a pooled shortcut."""
    shortcut = keras.layers.AveragePooling2D(2, padding="same")(x)
    shortcut = _convolution(filters, size=1)(shortcut)
    x = ReLUConvNorm(filters, (3,), strides=2)(x)
    x = ReLUConvNorm(filters, (3,))(x)
    return keras.layers.Add()([shortcut, x])
