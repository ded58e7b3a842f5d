"""The recurrent search space of ENAS: a cell for a language model."""

import keras
import keras_tuner

from keras_enas.choices import IndexChoice
from keras_enas.hypermodels.checks import (
    check_learning_rate,
    check_least,
    check_one_of,
    check_optimizer,
    check_share,
)
from keras_enas.hypermodels.children import build_architecture, changed
from keras_enas.hypermodels.language_model import LanguageModel
from keras_enas.layers.highway_cell import (
    ACTIVATIONS,
    OUTPUTS,
    HighwayCell,
    check_activations,
)
from keras_enas.layers.recurrent import Recurrent
from keras_enas.layers.regularization import ActivationRegularization
from keras_enas.layers.word_dropout import WordDropout
from keras_enas.metrics import Perplexity
from keras_enas.optimizers import SparseSGD


class HyperRecurrentLM(keras_tuner.HyperModel):
    """The recurrent space of ENAS (Pham et al. 2018, section 2.1): a language model's cell.

    An embedding, a `HighwayCell` run over the text, and a softmax whose matrix
    is the embedding's. The cell's first node takes the input and the last state;
    every other chooses one earlier node and an activation. So N nodes have
    2N - 1 decisions, `4^N (N-1)!` architectures: 6.7e14 for 12 nodes. (The paper
    counts `4^N N!`, 8.0e15.) The supergraph has a matrix for each node and each
    node that it may take, N (N-1) / 2 of them beside the first.

    The model is a `LanguageModel`: it takes int32 tokens `(streams, steps)` from
    `keras_enas.text.stream_batches`, carries its state from batch to batch, and
    gives logits `(streams, steps, vocabulary_size)`. Its metric is `perplexity`,
    the objective `keras_tuner.Objective("val_perplexity", "min")`, the paper's
    reward `keras_enas.perplexity_reward()`.

    A child's `export` writes a SavedModel with states in and out; its `.keras` file
    needs keras_enas where it is loaded, since the cell is no stock layer.

    Defaults are those of the search in google-research's `enas_lm`, the corrected
    code, for Penn Treebank; those of the cell and of the optimizer the paper's.

    Args:
        vocabulary_size: Integer of at least 2. Tokens are `0 .. vocabulary_size-1`.
        num_nodes: Integer of at least 2, the first included (paper: 12).
        units: Integer, of the state and of the embedding.
        activations: List of labels out of `tanh`, `relu`, `identity`,
            `sigmoid`; their order is that of the indices in the text form of an
            architecture. (`enas_lm` has `sigmoid` before `identity`.)
        first_activation: None: chosen, as in the paper; or a label: fixed, as
            `tanh` in `enas_lm`. Then there is a decision less.
        output: `"loose_ends"` (paper): the output is the mean of the nodes that
            no other takes; or `"all"`: of all but the first (`enas_lm`).
        keyed_by_activation: Boolean, whether matrices are also keyed by the
            activation (both released codes), not by the node taken alone (paper).
        bound: Float or None, of a state's root mean square; see `HighwayCell`.
        tie_embeddings: Boolean, whether the softmax has the embedding's matrix.
        embedding_units: Optional integer in place of `units`, if they are not tied.
        word_dropout: Float, share of the vocabulary dropped from a batch.
        embedding_dropout: Float, share of the embedding's units dropped, the same
            for all steps of a row (as in all that follow).
        input_dropout: Float, likewise at the cell's input, on top of the former.
        state_dropout: Float, likewise of a node's state before every matrix.
        output_dropout: Float, likewise of the cell's output before the softmax.
        kernel_l2: Float, times the sum of squares of the cell's matrices in use.
        activation_l2: Float, times the mean of squares of the cell's output.
        slowness: Float, times the mean square of the output's steps.
        init_range: Float, weights start uniform in `(-init_range, init_range)`.
        learning_rate: Float or `keras.optimizers.schedules.LearningRateSchedule`
            of the default optimizer.
        clipnorm: Float, the global norm to which it clips gradients.
        optimizer: Optional callable without arguments that returns a new
            `keras.optimizers.Optimizer`, in place of plain gradient descent. One
            with momentum makes gradients of the whole stacks.
        child_units: Optional integer, units of the children that are retrained, in
            place of `units` (released code: 720 searched, 748 retrained; `enas_lm`:
            200 and 800).
        **kwargs: Arguments of `keras_tuner.HyperModel`.

    Raises:
        ValueError: If an argument does not fit; it says what would do.
    """

    def __init__(
        self,
        vocabulary_size,
        num_nodes=12,
        units=200,
        activations=ACTIVATIONS,
        first_activation=None,
        output="loose_ends",
        keyed_by_activation=False,
        bound=1.0,
        tie_embeddings=True,
        embedding_units=None,
        word_dropout=0.1,
        embedding_dropout=0.2,
        input_dropout=0.75,
        state_dropout=0.25,
        output_dropout=0.75,
        kernel_l2=1e-7,
        activation_l2=0.0,
        slowness=0.0,
        init_range=0.04,
        learning_rate=20.0,
        clipnorm=0.25,
        optimizer=None,
        child_units=None,
        **kwargs,
    ):
        check_least("vocabulary_size", vocabulary_size, 2)
        check_least("num_nodes", num_nodes, 2)
        check_least("units", units, 1)
        for name, value in (("embedding_units", embedding_units), ("child_units", child_units)):
            if value is not None:
                check_least(name, value, 1)
        activations = check_activations(activations)
        if first_activation is not None and first_activation not in activations:
            raise ValueError(
                f"`first_activation` must be None or one of {list(activations)}. "
                f"Received: first_activation={first_activation!r}."
            )
        check_one_of("output", output, OUTPUTS)
        if tie_embeddings and embedding_units not in (None, units):
            raise ValueError(
                "`embedding_units` must be `units` if the embeddings are tied: the softmax of the "
                "state has the embedding's matrix. Give `tie_embeddings=False` or leave it out. "
                f"Received: embedding_units={embedding_units}, units={units}."
            )
        for name, rate in (
            ("word_dropout", word_dropout),
            ("embedding_dropout", embedding_dropout),
            ("input_dropout", input_dropout),
            ("state_dropout", state_dropout),
            ("output_dropout", output_dropout),
        ):
            check_share(name, rate)
        for name, value in (
            ("kernel_l2", kernel_l2),
            ("activation_l2", activation_l2),
            ("slowness", slowness),
            ("init_range", init_range),
        ):
            if not value >= 0:
                raise ValueError(f"`{name}` must not be negative. Received: {name}={value!r}.")
        for name, value in (("bound", 1.0 if bound is None else bound), ("clipnorm", clipnorm)):
            if not value > 0:
                raise ValueError(f"`{name}` must be positive. Received: {name}={value!r}.")
        check_optimizer(optimizer)
        check_learning_rate(learning_rate)
        # NumPy's integers cannot be saved with a model.
        self.vocabulary_size = int(vocabulary_size)
        self.num_nodes = int(num_nodes)
        self.units = int(units)
        self.activations = activations
        self.first_activation = first_activation
        self.output = output
        self.keyed_by_activation = keyed_by_activation
        self.bound = bound
        self.tie_embeddings = tie_embeddings
        self._embedding_units = None if tie_embeddings else embedding_units
        self.word_dropout = word_dropout
        self.embedding_dropout = embedding_dropout
        self.input_dropout = input_dropout
        self.state_dropout = state_dropout
        self.output_dropout = output_dropout
        self.kernel_l2 = kernel_l2
        self.activation_l2 = activation_l2
        self.slowness = slowness
        self.init_range = init_range
        self.learning_rate = learning_rate
        self.clipnorm = clipnorm
        self.optimizer = optimizer
        self.child_units = child_units
        super().__init__(**kwargs)

    @property
    def embedding_units(self):
        """Units of the embedding."""
        return self._embedding_units or self.units

    def for_children(self, recipe=None):
        """Returns the hypermodel of the children that are retrained.

        Args:
            recipe: Optional `keras_enas.training.Recipe`; where it has a penalty of
                the weights, the model's own is left out.

        Returns:
            A copy of this hypermodel with the children's `units` and `kernel_l2`. A
            subclass whose `__init__` works something out from these overrides
            this method, or has a property of it.
        """
        return changed(
            self,
            units=self.child_units or self.units,
            kernel_l2=0.0 if getattr(recipe, "l2", None) else self.kernel_l2,
        )

    def build_architecture(self, architecture):
        """Builds the child that is retrained for an architecture.

        Args:
            architecture: An `Architecture` of this space, the text of one, or a
                `PublishedArchitecture`, in a hypermodel with its `settings`.

        Returns:
            A compiled, untrained `LanguageModel`.

        Raises:
            ValueError: If it is an architecture of another space.
        """
        return build_architecture(self.for_children(), architecture)

    def build(self, hp):
        """Builds and compiles the model; see `keras_tuner.HyperModel.build`."""
        with hp.name_scope("cell"):
            cell = self._cell(hp)
        tokens = keras.Input((None,), dtype="int32")
        embedding = keras.layers.ReversibleEmbedding(
            self.vocabulary_size,
            self.embedding_units,
            embeddings_initializer=self._uniform(),
            # float32, so that mixed precision does not round logits.
            reverse_dtype="float32",
        )
        x = embedding(tokens)
        if self.word_dropout:
            x = WordDropout(self.vocabulary_size, self.word_dropout)([tokens, x])
        for rate in (self.embedding_dropout, self.input_dropout):
            if rate:
                x = keras.layers.SpatialDropout1D(rate)(x)
        x = Recurrent(cell, self.state_dropout, self.kernel_l2)(x)
        x = ActivationRegularization(self.activation_l2, self.slowness)(x)
        if self.output_dropout:
            x = keras.layers.SpatialDropout1D(self.output_dropout)(x)
        if self.tie_embeddings:
            logits = embedding(x, reverse=True)
        else:
            logits = keras.layers.Dense(
                self.vocabulary_size,
                use_bias=False,
                kernel_initializer=self._uniform(),
                dtype="float32",
            )(x)
        model = LanguageModel(tokens, logits)
        model.compile(
            self._optimizer(),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=[Perplexity(from_logits=True)],
        )
        return model

    def _cell(self, hp):
        with hp.name_scope("node_0"):
            if self.first_activation is None:
                first = IndexChoice(hp, "activation", self.activations)
            else:
                first = self.activations.index(self.first_activation)
        nodes = []
        for node in range(1, self.num_nodes):
            with hp.name_scope(f"node_{node}"):
                source = IndexChoice(hp, "input", node)
                nodes.append((source, IndexChoice(hp, "activation", self.activations)))
        return HighwayCell(
            self.units,
            nodes,
            first,
            self.activations,
            self.output,
            self.keyed_by_activation,
            self.bound,
            self._uniform(),
        )

    def _uniform(self):
        return keras.initializers.RandomUniform(-self.init_range, self.init_range)

    def _optimizer(self):
        if self.optimizer is not None:
            return self.optimizer()
        return SparseSGD(self.learning_rate, global_clipnorm=self.clipnorm)
