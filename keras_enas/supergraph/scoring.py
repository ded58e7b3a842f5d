"""How well the shared weights do as an architecture."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from keras_enas.supergraph.leftovers import releasing_once
from keras_enas.supergraph.statistics import batch_statistics


class Scorer:
    """Evaluates architectures with the shared weights, in one trace for batches of one kind.

    Runs the network's own `test_step`, so its loss and metrics are those that
    it was compiled with; normalisation uses the statistics of the batch.

    Args:
        supergraph: A `Supergraph`.
        listener: Optional object that adds metrics of its own, such as a
            `keras_enas.LinearProbe`. Its `listening(network)` is a context, open while
            the step is traced; it gives a callable from the batch to a dict of scalars.
    """

    def __init__(self, supergraph, listener=None):
        self._supergraph = supergraph
        self._listener = listener
        self._functions = {}
        self.traces = 0

    def __call__(self, architecture, batches):
        """Scores one architecture.

        Args:
            architecture: int32 array `(decisions,)`.
            batches: Non-empty sequence of batches `(x, y)` or
                `(x, y, sample_weight)` of tensors, over which the metrics are
                taken together. The states of a language model go on from one to the next.

        Returns:
            Dict from metric name (`loss`, `accuracy`, ...) to float; metrics that are no
            scalar are left out. What the listener adds is the mean over the batches, by
            their sizes.
        """
        architecture = tf.constant(architecture, tf.int32)
        results, added, sizes = None, [], []
        for i, batch in enumerate(batches):
            batch = keras.tree.map_structure(tf.convert_to_tensor, tuple(batch))
            signature = _signature(batch)
            kind = len(batch), *keras.tree.flatten(signature)
            if kind not in self._functions:
                self._functions[kind] = self._trace(batch, signature)
            results, more = self._functions[kind](architecture, tf.constant(i == 0), batch)
            added.append({name: float(value) for name, value in more.items()})
            sizes.append(keras.tree.flatten(batch)[0].shape[0])
        # The network's own metrics add up by themselves.
        means = {name: np.average([m[name] for m in added], weights=sizes) for name in added[0]}
        results = {name: value for name, value in results.items() if not np.ndim(value)}
        return {name: float(value) for name, value in {**results, **means}.items()}

    def averages(self, name=None):
        """Whether a metric of several batches is the mean of those of each of them.

        That of AUC, F-scores, a perplexity and the like is not. Known when a batch has been scored.

        Args:
            name: Optional string, as in the dict that a call returns. Default: all of them.
        """
        metrics = keras.tree.flatten(
            [getattr(metric, "metrics", metric) for metric in self._supergraph.network.metrics]
        )
        mean = keras.metrics.Mean.result
        # What derives from it may do something else with it, such as take the root.
        others = [one.name for one in metrics if getattr(type(one), "result", None) is not mean]
        # That of one output of several has the output's name before its own.
        return not any(name in (None, other) or name.endswith(f"_{other}") for other in others)

    def _trace(self, batch, signature):
        network = self._supergraph.network
        listening = _nothing if self._listener is None else self._listener.listening
        self._supergraph.prepare(batch)

        def score(architecture, first, data):
            self.traces += 1
            tf.cond(first, lambda: _reset(network), lambda: False)
            with self._supergraph.running_as(architecture, batch_statistics=True):
                with batch_statistics(network), listening(network) as added_by:
                    metrics = network.test_step(data)
                    return metrics, added_by(data)

        return releasing_once(
            tf.function(
                score,
                input_signature=[
                    tf.TensorSpec([len(self._supergraph.space)], tf.int32),
                    tf.TensorSpec([], tf.bool),
                    signature,
                ],
                autograph=False,
            )
        )


@contextlib.contextmanager
def _nothing(network):
    yield lambda data: {}


def _signature(batch):
    return keras.tree.map_structure(
        lambda x: tf.TensorSpec([None, *x.shape[1:]] if x.shape.rank else [], x.dtype), batch
    )


def _reset(network):
    network.reset_metrics()
    return False
