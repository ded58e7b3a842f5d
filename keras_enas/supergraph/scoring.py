"""How well the shared weights do as an architecture."""

import keras
import tensorflow as tf

from keras_enas.supergraph.leftovers import releasing_once
from keras_enas.supergraph.statistics import batch_statistics


class Scorer:
    """Evaluates architectures with the shared weights, in one trace for batches of one kind.

    Runs the network's own `test_step`, so its loss and metrics are those that
    it was compiled with; normalisation uses the statistics of the batch.

    Args:
        supergraph: A `Supergraph`.
    """

    def __init__(self, supergraph):
        self._supergraph = supergraph
        self._functions = {}
        self.traces = 0

    def __call__(self, architecture, batches):
        """Scores one architecture.

        Args:
            architecture: int32 array `(decisions,)`.
            batches: Non-empty sequence of batches `(x, y)` or
                `(x, y, sample_weight)` of tensors, over which the metrics are
                taken together.

        Returns:
            Dict from metric name (`loss`, `accuracy`, ...) to float.
        """
        architecture = tf.constant(architecture, tf.int32)
        results = None
        for i, batch in enumerate(batches):
            batch = keras.tree.map_structure(tf.convert_to_tensor, tuple(batch))
            signature = _signature(batch)
            kind = len(batch), *keras.tree.flatten(signature)
            if kind not in self._functions:
                self._functions[kind] = self._trace(batch, signature)
            results = self._functions[kind](architecture, tf.constant(i == 0), batch)
        return {name: float(value) for name, value in results.items()}

    def _trace(self, batch, signature):
        network = self._supergraph.network
        self._supergraph.prepare(batch)

        def score(architecture, first, data):
            self.traces += 1
            tf.cond(first, lambda: _reset(network), lambda: False)
            with self._supergraph.running_as(architecture, batch_statistics=True):
                with batch_statistics(network):
                    return network.test_step(data)

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


def _signature(batch):
    return keras.tree.map_structure(
        lambda x: tf.TensorSpec([None, *x.shape[1:]] if x.shape.rank else [], x.dtype), batch
    )


def _reset(network):
    network.reset_metrics()
    return False
