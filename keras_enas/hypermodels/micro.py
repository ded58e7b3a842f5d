"""The micro search space of ENAS: the cells of a convolutional network."""

import keras
import keras_tuner

from keras_enas.choices import InputChoice, Keyed, OpChoice
from keras_enas.hypermodels.auxiliary import auxiliary_head
from keras_enas.hypermodels.checks import (
    check_least,
    check_one_of,
    check_training,
    refuse_to_share,
)
from keras_enas.hypermodels.children import build_architecture, changed
from keras_enas.hypermodels.classification import FORMS, check_images, choose_operations, classifier
from keras_enas.hypermodels.joining import check_join, concatenated, summed
from keras_enas.hypermodels.operations import ALL_OPERATIONS, PARAMETER_FREE, operation_set
from keras_enas.layers import BatchNormalization, FactorizedReduction, ReLUConvNorm
from keras_enas.layers.regularization import DropPath
from keras_enas.search_space import unchosen


class HyperMicroCNN(keras_tuner.HyperModel):
    """The micro space of ENAS (Pham et al. 2018, section 2.4): two cells.

    A normal cell and a reduction cell. A cell takes the outputs of the two cells
    before it, brought to one size and number of channels; each of its blocks
    chooses two earlier nodes of the cell and an operation for each, and adds up
    what they give. A convolution has weights of its own for every node that it
    may take its input from. All nodes that nothing used go through a 1x1
    convolution each, are added and normalised. The network is a stem,
    `num_layers` normal cells and two reduction cells, at `num_layers // 3` and
    `2 * (num_layers // 3) + 1`, each of which halves the image and doubles the
    channels; then ReLU, global average pooling, dropout and a dense softmax.

    An architecture is `input op input op` for each block, normal cell first,
    which is the released code's text: `space.parse("0 2 0 0 | ...")`.

    Args:
        input_shape: Tuple `(height, width, channels)`, at least 4x4 pixels (32x32
            with `stem="imagenet"`).
        num_classes: Integer of at least 2. Labels are integers `0 .. num_classes-1`.
        num_layers: Integer, the normal cells (released code: 6 to search, 15 to
            retrain).
        filters: Integer of at least 2, channels of the first cells (20 and 36).
        num_blocks: Integer, blocks of a cell; 5 have 40 decisions.
        operations: `"enas"` (`sep3`, `sep5`, `avg3`, `max3`, `identity`),
            `"nasnet"`, `"darts"`, a list of their labels, or a dict from label to a
            callable that takes `filters` and `strides` and returns a layer.
        stem: `"cifar"`, a 3x3 convolution to `3 * filters` channels, or
            `"imagenet"`, three strided ones that leave an eighth of the size.
        form: `"search"`, the network described above, or `"final"`, that in which
            the released code trains what was found: operations of the reduction
            cell stride over the cell's inputs, the second input has one 1x1
            convolution more, loose ends are concatenated and nothing follows.
            A network of the final form can be a child only.
        join: What the output of a cell is made of: `"loose_ends"`, the nodes that
            nothing in the cell uses (ENAS); `"all"`, every block's
            output; or a dict with the indices of nodes for `"normal"` and
            `"reduction"`, 0 and 1 being the cell's inputs.
        reductions: Optional pair of integers, which of the `num_layers + 2` cells are
            reduction cells, counted from 0; default as above.
        child_layers: Optional integer, `num_layers` of the children that are
            retrained; default as searched.
        child_filters: Optional integer, their `filters`.
        child_form: Optional string, their `form`.
        drop_path: Boolean, whether every operation but the identity is followed by
            a `DropPath` layer, which a recipe turns on. For children only.
        auxiliary_head: Boolean, whether the network has a second output named `aux`
            after the cell that follows the last reduction. For children only, and
            trained by a recipe only.
        dropout: Float, the share dropped before the dense layer.
        learning_rate: Float or `keras.optimizers.schedules.LearningRateSchedule`
            of the default optimizer.
        weight_decay: Float, as in `HyperMacroCNN`.
        optimizer: Optional callable, as in `HyperMacroCNN`.
        **kwargs: Arguments of `keras_tuner.HyperModel`.

    Raises:
        ValueError: If an argument does not fit; it says what would do.
    """

    def __init__(
        self,
        input_shape,
        num_classes,
        num_layers=6,
        filters=20,
        num_blocks=5,
        operations="enas",
        stem="cifar",
        form="search",
        join="loose_ends",
        reductions=None,
        child_layers=None,
        child_filters=None,
        child_form=None,
        drop_path=False,
        auxiliary_head=False,
        dropout=0.1,
        learning_rate=0.05,
        weight_decay=2e-4,
        optimizer=None,
        **kwargs,
    ):
        self.input_shape = check_images(
            input_shape, num_classes, least=32 if stem == "imagenet" else 4
        )
        for name, value, least in (
            ("num_layers", num_layers, 1),
            ("filters", filters, 2),
            ("num_blocks", num_blocks, 1),
            ("child_layers", child_layers, 1),
            ("child_filters", child_filters, 2),
        ):
            if value is None and name.startswith("child"):
                continue
            check_least(name, value, least)
        for name, value, allowed in (
            ("stem", stem, ("cifar", "imagenet")),
            ("form", form, FORMS),
            ("child_form", child_form, (None, *FORMS)),
        ):
            check_one_of(name, value, allowed)
        self.num_classes = num_classes
        self.num_layers = num_layers
        self.filters = filters
        self.num_blocks = num_blocks
        self.operations = choose_operations(operation_set(operations), ALL_OPERATIONS)
        self.stem = stem
        self.form = form
        self.join = check_join(join, num_blocks)
        if reductions is not None:
            self._check_reductions(reductions, num_layers, child_layers)
        self._reductions = None if reductions is None else tuple(reductions)
        self.child_layers = child_layers
        self.child_filters = child_filters
        self.child_form = child_form
        self.drop_path = drop_path
        self.auxiliary_head = auxiliary_head
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        check_training(optimizer, learning_rate, weight_decay, dropout)
        self.optimizer = optimizer
        super().__init__(**kwargs)

    @property
    def reductions(self):
        """The cells that are reduction cells, counted from 0."""
        return self._reductions or _thirds(self.num_layers)

    def _check_reductions(self, reductions, num_layers, child_layers):
        first, second = reductions if len(reductions) == 2 else (0, 0)
        if not 0 < first < second < num_layers + 2:
            raise ValueError(
                "`reductions` must be two increasing indices of cells, above 0 (a normal cell "
                f"comes first) and below {num_layers + 2}. Received: reductions={reductions!r}."
            )
        if child_layers not in (None, num_layers):
            raise ValueError(
                "`reductions` and `child_layers` do not go together: the children would have other "
                "cells. Leave `reductions` to its default."
            )

    def for_children(self, recipe=None):
        """Returns the hypermodel of the children that are retrained.

        Args:
            recipe: Optional `keras_enas.training.Recipe`; the children get the
                `DropPath` layers and the auxiliary head that it trains.

        Returns:
            A copy of this hypermodel with the children's `num_layers`, `filters`,
            `form`, `drop_path` and `auxiliary_head`. A
            subclass whose `__init__` works something out from these overrides
            this method, or has a property of it.
        """
        return changed(
            self,
            num_layers=self.child_layers or self.num_layers,
            filters=self.child_filters or self.filters,
            form=self.child_form or self.form,
            drop_path=self.drop_path or getattr(recipe, "drop_path_keep", None) is not None,
            auxiliary_head=self.auxiliary_head or bool(getattr(recipe, "auxiliary_weight", None)),
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
        refuse_to_share(self, form="final", drop_path=True, auxiliary_head=True)

    def build(self, hp):
        """Builds and compiles the network; see `keras_tuner.HyperModel.build`."""
        if hasattr(hp, "switch_maker"):
            self.check_shareable()
        inputs = keras.Input(self.input_shape)
        filters = self.filters
        nodes, auxiliary = self._stem(inputs), None
        for k in range(self.num_layers + 2):
            reduces = k in self.reductions
            filters = 2 * filters if reduces else filters
            with hp.name_scope("reduction" if reduces else "normal"):
                output = self._cell(hp, nodes, filters, reduces, k)
            nodes = [nodes[1], output]
            if k == min(self.reductions[1] + 1, self.num_layers + 1) and self.auxiliary_head:
                auxiliary = auxiliary_head(output, self.num_classes)
        return classifier(self, inputs, keras.layers.ReLU()(nodes[1]), auxiliary)

    def _stem(self, inputs):
        def convolve(x, filters, strides):
            x = keras.layers.Conv2D(
                filters,
                3,
                strides=strides,
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
            )(x)
            return BatchNormalization(momentum=0.9, epsilon=1e-5)(x)

        if self.stem == "cifar":
            x = convolve(inputs, 3 * self.filters, 1)
            return [x, x]
        half = keras.layers.ReLU()(convolve(inputs, max(self.filters // 2, 2), 2))
        quarter = convolve(half, self.filters, 2)
        return [quarter, convolve(keras.layers.ReLU()(quarter), self.filters, 2)]

    def _cell(self, hp, nodes, filters, reduces, k):
        strides = 1
        if reduces and self.form == "final":
            strides = 2
        elif reduces:
            nodes = [nodes[0], FactorizedReduction(filters)(nodes[1])]
        nodes = self._calibrated(nodes, filters)
        if self.form == "final":
            nodes[1] = ReLUConvNorm(filters)(nodes[1])
        names = []
        for i in range(self.num_blocks):
            with hp.name_scope(f"block_{i}"):
                parts = []
                for side in ("1", "2"):
                    x, nodes = InputChoice(hp, f"input_{side}", pass_on=True)(nodes)
                    stride = strides if any(x is node for node in nodes[:2]) else 1
                    x = self._operation(hp, side, filters, stride)(x)
                    if self.drop_path and hp.get(f"op_{side}") != "identity":
                        x = DropPath((k + 1) / (self.num_layers + 2))(x)
                    parts.append(x)
                    names.append(f"block_{i}/input_{side}")
                nodes = [*nodes, keras.layers.Add()(parts)]
        join = self.join["reduction" if reduces else "normal"]
        if self.form == "final":
            if join is None:
                join = unchosen([hp.get(name) for name in names], len(nodes))
            return concatenated([nodes[i] for i in join], filters)
        return summed(hp, names, nodes, join, filters)

    def _operation(self, hp, side, filters, strides):
        """The operation of one side of a block; a convolution's weights go by the input."""

        def candidate(label, make):
            if label in PARAMETER_FREE:
                return lambda: make(filters, strides)
            return lambda: Keyed(hp, f"input_{side}", lambda: make(filters, strides))

        return OpChoice(
            hp,
            f"op_{side}",
            {label: candidate(label, make) for label, make in self.operations.items()},
        )

    def _calibrated(self, nodes, filters):
        """Brings the two inputs of a cell to one size and to `filters` channels."""
        first, second = nodes
        # More than once where two reduction cells follow each other.
        while first.shape[1] > second.shape[1]:
            first = FactorizedReduction(filters)(keras.layers.ReLU()(first))
        if first.shape[-1] != filters:
            first = ReLUConvNorm(filters)(first)
        if second.shape[-1] != filters:
            second = ReLUConvNorm(filters)(second)
        return [first, second]


def _thirds(num_layers):
    """The reduction cells of the released code."""
    # A normal cell comes first, as in the order of the decisions.
    third = max(1, num_layers // 3)
    return (third, min(2 * third + 1, num_layers + 1))
