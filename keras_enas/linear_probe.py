"""A reward that asks how well features tell the labels, whatever the head learned so far."""

import contextlib
import math
import numbers

import keras
import numpy as np
import tensorflow as tf

from keras_enas.supergraph import with_calls
from keras_enas.supergraph.graph import node_of

# What it is called among the metrics of a score.
NAME = "linear_probe"
# What may stand behind the head: layers without weights, unit by unit.
_BEHIND = (
    keras.layers.Activation,
    keras.layers.Dropout,
    keras.layers.Identity,
    keras.layers.ReLU,
    keras.layers.Softmax,
)


class LinearProbe:
    """The reward `R^2` of a linear head that is fitted anew for each architecture.

    The head of a supergraph is shared by all architectures and fits none of them. A linear probe
    (Alain and Bengio 2016, arXiv 1610.01644) leaves it out: ridge regression, in closed form, from
    the features before the network's last dense layer to the labels. It is fitted on `examples` of
    a batch and judged by the others, in turn for every `examples` of it: what can be told from few
    examples with these features, not what the shared head makes of them. It shares the pass through
    the network with the other metrics.

    It is a reward, `ENASTuner(reward=keras_enas.LinearProbe())`: the objective stays what children
    that are trained are compared by. Neither the paper nor its released code has it.

    Args:
        examples: Integer of at least 2, on how many a head is fitted. Every validation batch must
            have twice as many.
        penalty: Number of at least 1e-6, of the ridge regression on features of unit variance, an
            example.

    Raises:
        ValueError: If an argument is of no use.
    """

    def __init__(self, examples=100, penalty=0.1):
        if isinstance(examples, bool) or not isinstance(examples, numbers.Integral) or examples < 2:
            raise ValueError(
                f"`examples` must be an integer of at least 2. Received: examples={examples!r}."
            )
        number = isinstance(penalty, numbers.Real) and not isinstance(penalty, bool)
        if not number or not 1e-6 <= penalty < math.inf:
            raise ValueError(
                "`penalty` must be a finite number of at least 1e-6. "
                f"Received: penalty={penalty!r}."
            )
        self.examples = int(examples)
        self.penalty = float(penalty)

    @property
    def least_batch(self):
        """How many examples a validation batch must have."""
        return 2 * self.examples

    def __repr__(self):
        return f"LinearProbe(examples={self.examples}, penalty={self.penalty})"

    def __call__(self, metrics, objective):
        """What a batch is worth: at most 1; about 0 or less if nothing can be told."""
        if NAME not in metrics:
            raise ValueError(
                "A LinearProbe must itself be the `reward`: inside another one it is shown no "
                "features."
            )
        return metrics[NAME]

    def check(self, network, batches):
        """Checks that a network can be probed on validation batches.

        Args:
            network: As in `head_of`.
            batches: Non-empty list of `(x, y)` or `(x, y, sample_weight)`.

        Raises:
            ValueError: If it cannot, if a batch is too small, or if labels are no classes.
        """
        units = self.head_of(network).units
        sizes = sorted({int(keras.tree.flatten(batch)[0].shape[0]) for batch in batches})
        if sizes[0] < self.least_batch:
            raise ValueError(
                f"`reward`: a LinearProbe of {self.examples} examples needs validation batches of "
                f"at least {self.least_batch}; arrays are split evenly. Received batches of "
                f"{sizes}: give more data, larger batches, or a LinearProbe of fewer `examples`."
            )
        _, labels, _ = keras.utils.unpack_x_y_sample_weight(batches[0])
        if isinstance(labels, (dict, list, tuple)):
            raise ValueError(
                "`reward`: a LinearProbe needs labels in one array. Received: "
                f"{type(labels).__name__}."
            )
        as_columns(labels, units)
        labels = np.asarray(labels)
        classes = labels.size == len(labels) and units > 1
        if classes and not np.isin(labels, np.arange(units)).all():
            raise ValueError(
                f"`reward`: a LinearProbe of a head of {units} units needs labels of {units} "
                f"columns, or classes from 0 to {units - 1}. Received one column from "
                f"{labels.min()} to {labels.max()}."
            )

    def head_of(self, network):
        """Returns the layer that the probe takes the place of.

        Args:
            network: A functional or sequential `keras.Model`, whose first output is meant.

        Raises:
            ValueError: If it does not end in a dense layer of features `(batch, n)`.
        """
        node = node_of(network.outputs[0])
        while isinstance(node.operation, _BEHIND):
            node = node_of(node.input_tensors[0])
        head = node.operation
        if not isinstance(head, keras.layers.Dense) or len(head.input.shape) != 2:
            raise ValueError(
                "`reward`: a LinearProbe needs a network that ends in a `keras.layers.Dense` of "
                f"features (batch, n). This one ends in '{head.name}'."
            )
        return head

    @contextlib.contextmanager
    def listening(self, network):
        """While open, a trace of `network` shows the probe its features.

        Args:
            network: As in `head_of`.

        Yields:
            Callable from the batch `(x, y)` or `(x, y, sample_weight)` to the metrics that it adds:
            a dict of float32 scalars.
        """
        head, heard = self.head_of(network), []
        call = head.call

        def listen(inputs, *args, **kwargs):
            heard.append(inputs)
            return call(inputs, *args, **kwargs)

        def measured(batch):
            _, labels, weights = keras.utils.unpack_x_y_sample_weight(batch)
            return {NAME: self.measure(heard[-1], as_columns(labels, head.units), weights)}

        with with_calls([(head, listen)]):
            yield measured

    def measure(self, features, labels, weights=None):
        """Returns the share of the labels' variance that heads of few examples explain.

        Args:
            features: Float tensor `(batch, n)`.
            labels: float32 tensor `(batch, columns)`.
            weights: Optional float tensor `(batch,)`, what each example counts.

        Returns:
            float32 scalar; 0 for a batch of a single example, NaN if a value is not finite.
        """
        n = tf.shape(labels)[0]
        weights = tf.ones(n) if weights is None else tf.cast(tf.reshape(weights, (-1,)), tf.float32)
        # As many as there are examples, so that their scale says nothing.
        counts = tf.math.divide_no_nan(weights, tf.reduce_mean(weights))[:, None]

        def mean(values):
            return tf.reduce_mean(counts * values, 0)

        x = tf.cast(features, tf.float32)
        # A solver raises on what is not finite, and so would end the search.
        finite = tf.reduce_all(tf.math.is_finite(x)) & tf.reduce_all(tf.math.is_finite(labels))
        x, y = (tf.where(finite, a, tf.zeros_like(a)) for a in (x, labels))
        x, y = x - mean(x), y - mean(y)
        deviations = tf.sqrt(mean(tf.square(x)))
        # What hardly varies beside the others is noise.
        x /= deviations + 1e-3 * tf.reduce_mean(deviations) + 1e-9
        x, y = tf.sqrt(counts) * x, tf.sqrt(counts) * y
        size = tf.maximum(tf.minimum(self.examples, n // 2), 1)
        heads = n // size
        # Drawn once and for all: labels may be sorted, or come in turn.
        order = tf.argsort(tf.random.stateless_uniform([n], seed=(0, 0), alg="philox"))
        rows = tf.reshape(order[: heads * size], (heads, size))
        mine_x, mine_y = (tf.gather(a, rows) for a in (x, y))
        # The dual form: there may be more features than examples.
        gram = tf.matmul(mine_x, mine_x, transpose_b=True)
        gram += self.penalty * tf.cast(size, tf.float32) * tf.eye(size)
        kernels = tf.matmul(mine_x, tf.linalg.solve(gram, mine_y), transpose_a=True)
        # By all others: all, less its own.
        missed = _squares(y - tf.matmul(x, kernels)) - _squares(mine_y - tf.matmul(mine_x, kernels))
        there = tf.cast(heads, tf.float32) * _squares(y) - _squares(mine_y)
        return tf.where(finite, tf.math.divide_no_nan(there - missed, there), math.nan)


def as_columns(labels, units):
    """Returns labels as float32 `(batch, units)`: indices of classes as one-hot rows.

    Raises:
        ValueError: If they are neither of one column nor of `units`.
    """
    labels = tf.convert_to_tensor(labels)
    columns = 1 if labels.shape.rank == 1 else labels.shape[-1]
    if labels.shape.rank > 2 or columns not in (1, units):
        raise ValueError(
            f"`reward`: a LinearProbe needs labels (batch,) or (batch, {units}). Received: "
            f"{tuple(labels.shape)}."
        )
    if columns == units:
        return tf.cast(tf.reshape(labels, (-1, units)), tf.float32)
    return tf.one_hot(tf.cast(tf.reshape(labels, (-1,)), tf.int32), units)


def _squares(x):
    return tf.reduce_sum(tf.square(x))
