"""The weight-sharing network as a Keras model."""

import keras
import numpy as np
import tensorflow as tf

from keras_enas.search_space import recorded_space
from keras_enas.supergraph.hyperparameters import SupergraphHyperParameters
from keras_enas.supergraph.leftovers import releasing_once
from keras_enas.supergraph.liveness import Liveness
from keras_enas.supergraph.scope import architecture_scope, being_built
from keras_enas.supergraph.zero_gradients import leave_out_zero_gradients


class Supergraph(keras.Model):
    """The network that `build(hp)` gives when every choice becomes a switch.

    It wraps the hypermodel's own compiled network: its loss, metrics, optimizer
    and even a `train_step` of its own are kept. Each step takes the next row of
    a table of architectures, opens a scope around the network's `train_step`,
    and runs only what the row has chosen. There is one trace for all rows.

    Args:
        hypermodel: A `keras_tuner.HyperModel` whose `build(hp)` makes at least
            one choice and compiles the model.
        seed: Optional integer; the table starts with one random architecture.
        override_compile: Optional callable that is given the built network and
            may compile it anew (KerasTuner's `optimizer=`, `loss=`, `metrics=`).
        architectures_per_step: Integer. With more than 1 the weights are updated
            once every so many steps, by the mean of their gradients. Whoever trains it
            gives each batch that many times; a network with a state, which has
            `begin_batch(first)`, is told whether it is the first time.

    Raises:
        ValueError: If the hypermodel makes no choices or does not compile, or several
            architectures a step do not go with its optimizer or with several replicas.
    """

    def __init__(
        self, hypermodel, seed=None, override_compile=None, architectures_per_step=1, **kwargs
    ):
        super().__init__(**kwargs)
        hp = SupergraphHyperParameters()
        with being_built():
            network = hypermodel.build(hp)
        self.space = recorded_space(hp)
        if not len(self.space):
            raise ValueError(
                "The hypermodel makes no choices: its `build(hp)` calls no OpChoice, InputChoice "
                "or SkipChoice, so there is nothing to search."
            )
        if override_compile is not None:
            override_compile(network)
        if not network.compiled or network.optimizer is None:
            raise ValueError(
                "The hypermodel's `build(hp)` must compile the model, or the tuner be given "
                "`optimizer`, `loss` and `metrics`."
            )
        if not network.built:
            raise ValueError(
                "The hypermodel's `build(hp)` must return a built model: use "
                "`keras.Model(inputs, outputs)`, or start a Sequential with `keras.Input`."
            )
        self.network = network
        self._liveness = Liveness(network)
        leave_out_zero_gradients(network)
        # A GPU must hold it in host memory all the same: a conditional's index lives there.
        with tf.device("CPU:0"):
            first = self.space.random(1, np.random.default_rng(seed))
            self._table = tf.Variable(
                first, shape=(None, len(self.space)), dtype=tf.int32, trainable=False
            )
            self._cursor = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.built = True
        self.compile(
            optimizer=network.optimizer,
            # XLA would compile every branch of every switch: minutes, for no use here.
            jit_compile=False,
            run_eagerly=network.run_eagerly,
            steps_per_execution=network.steps_per_execution,
        )
        self._group = architectures_per_step
        if architectures_per_step > 1:
            _accumulate(network.optimizer, architectures_per_step)
        network.optimizer.build(network.trainable_variables)
        self.train_traces = 0

    @property
    def metrics(self):
        return self.network.metrics

    def reset_metrics(self):
        # The network may reset more than metrics, as a language model does its states.
        self.network.reset_metrics()

    def set_architectures(self, architectures):
        """Lays the table of architectures that the coming steps train in turn.

        Args:
            architectures: Integers `(n, decisions)`. Step i (counted from this
                call) trains row i modulo n; with R replicas, replica r of step
                i trains row i * R + r modulo n.
        """
        table = self.space.check(np.atleast_2d(architectures))
        self._table.assign(table)
        self._cursor.assign(0)

    def running_as(self, architecture, batch_statistics=False):
        """Opens the scope in which the network runs as one architecture.

        Args:
            architecture: int32 tensor `(decisions,)`.
            batch_statistics: As in `Scope`.
        """
        needed = self._liveness.needed(architecture)
        return architecture_scope(architecture, batch_statistics, needed)

    def call(self, inputs, architecture=None, training=None):
        """Runs the network as one architecture.

        Args:
            inputs: What the network takes.
            architecture: int32 tensor `(decisions,)`, or an `Architecture`.
            training: Boolean.
        """
        indices = getattr(architecture, "indices", architecture)
        if indices is None:
            indices = self._table[0]
        with self.running_as(tf.convert_to_tensor(indices, tf.int32)):
            return self.network(inputs, training=training)

    def train_step(self, data):
        self.train_traces += 1
        context = tf.distribute.get_replica_context()
        row = self._cursor
        if self._group > 1 and hasattr(self.network, "begin_batch"):
            self.network.begin_batch(row % self._group == 0)
        if context is not None and context.num_replicas_in_sync > 1:
            replica = tf.cast(context.replica_id_in_sync_group, tf.int64)
            row = row * context.num_replicas_in_sync + replica
        architecture = self._table[row % tf.shape(self._table, tf.int64)[0]]
        self._cursor.assign_add(1)
        with self.running_as(architecture):
            return self.network.train_step(relax_batch(data))

    def make_train_function(self, force=False):
        made = self.train_function
        super().make_train_function(force=force)
        if self.train_function is not made:
            self.train_function = releasing_once(self.train_function)

    def prepare(self, batch):
        """Builds the network's metrics and loss before a step is traced.

        Keras leaves it to the first step on TensorFlow, which then creates
        variables and therefore is traced twice.

        Args:
            batch: `(x, y)` or `(x, y, sample_weight)` of tensors.
        """
        network = self.network
        parts = (network._compile_metrics, network._compile_loss)
        if all(part is None or part.built for part in parts):
            return
        batch = keras.tree.map_structure(self._describe, batch)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        # A sequential model has no `output` before it is called.
        sequential = isinstance(network, keras.Sequential)
        output = network.outputs[0] if sequential else network.output
        outputs = keras.tree.map_structure(self._describe, output)
        with self.distribute_strategy.scope():
            for function, kwargs in (
                (network.compute_metrics, {}),
                (network._compute_loss, {"training": False}),
            ):
                _Symbolic(function).compute_output_spec(
                    x, y, outputs, sample_weight=sample_weight, **kwargs
                )

    def _describe(self, tensor):
        if tensor is None or isinstance(tensor, tf.experimental.Optional):
            return None
        # Under a strategy a batch is a part for each replica.
        tensor = self.distribute_strategy.experimental_local_results(tensor)[0]
        return keras.KerasTensor(tensor.shape, keras.backend.standardize_dtype(tensor.dtype))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras calls this before the first step of `fit`, `evaluate` and `train_on_batch`.
        if data_batch is None:
            for _, _, batch_or_iterator in iterator:
                is_batch = isinstance(batch_or_iterator, (list, tuple))
                data_batch = batch_or_iterator[0] if is_batch else next(batch_or_iterator)
                break
        self.prepare(data_batch)

    def test_step(self, data):
        with self.running_as(self._table[0]):
            return self.network.test_step(relax_batch(data))

    def predict_step(self, data):
        with self.running_as(self._table[0]):
            return self.network.predict_step(relax_batch(data))


def _accumulate(optimizer, steps):
    """Has an optimizer that is not built yet take the mean of several steps' gradients."""
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        raise ValueError(
            "Several `architectures_per_step` do not go with a `distribution_strategy` of several "
            "replicas: Keras's accumulation of gradients does not run there. Each replica trains "
            "an architecture of its own in a step anyway."
        )
    if hasattr(optimizer, "inner_optimizer"):
        raise ValueError(
            f"Several `architectures_per_step` do not go with a {type(optimizer).__name__}: it "
            "leaves out steps whose gradients are not finite, and the mean would then be taken "
            "over architectures of different batches. Use the policy 'mixed_bfloat16', which "
            "needs none, in place of 'mixed_float16', or one architecture a step."
        )
    if optimizer.gradient_accumulation_steps:
        raise ValueError(
            "The model's optimizer has `gradient_accumulation_steps` already; several "
            "`architectures_per_step` use it. Leave one of the two out."
        )
    optimizer.gradient_accumulation_steps = steps


class _Symbolic(keras.Operation):
    """A function that Keras may run on tensor descriptions."""

    def __init__(self, function):
        super().__init__()
        self.call = function


def relax_batch(data):
    """Hides the batch size of every tensor in a structure from the trace.

    With a static batch size the gradient of a conditional allocates a
    placeholder of full size for each intermediate of each branch not taken;
    with an unknown one it allocates nothing.
    """

    def relax(tensor):
        if not isinstance(tensor, tf.Tensor) or not tensor.shape.rank:
            return tensor
        return tf.compat.v1.placeholder_with_default(tensor, [None, *tensor.shape[1:]])

    return keras.tree.map_structure(relax, data)
