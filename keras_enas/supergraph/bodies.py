"""One trace for all keyed layers that are alike.

Each becomes a call of one function of its weights and its input. TensorFlow would put the body in
the place of the call, and optimise hundreds of copies; the function is marked to stay one.
"""

import functools

import tensorflow as tf

from keras_enas.layers import preactivation_gradient
from keras_enas.supergraph.packing import run_with, unflatten

# They are traced once, and known layers need no AutoGraph.
_function = functools.partial(
    tf.function, autograph=False, experimental_attributes={"_noinline": True}
)


class Bodies:
    """The functions that stand for keyed layers within one trace of the network."""

    def __init__(self):
        self._functions = {}

    def run(self, body, inputs, weights, training):
        """Runs a layer on weights, in the function of the first that was like it.

        Args:
            body: The layer's `Body`.
            inputs: Tensor, or several, which are not shared.
            weights: List of flat tensors, one for each group of the body.
            training: Boolean or None.

        Returns:
            List of the output, then for each group that is not trainable its new flat value.
        """
        if (
            body.likeness is None
            or tf.executing_eagerly()
            or not isinstance(inputs, tf.Tensor)
            # A function would not see the mask that Keras hangs on a tensor.
            or getattr(inputs, "_keras_mask", None) is not None
        ):
            return body(inputs, *weights, training=training)
        key = (body.likeness, str(inputs.shape), inputs.dtype, bool(training))
        if key not in self._functions:
            written = training and preactivation_gradient.knows(body.layer, inputs)
            self._functions[key] = (
                _with_written_gradient(body)
                if written
                else _function(functools.partial(body, training=training))
            )
        return self._functions[key](inputs, *weights)


class Body:
    """A layer as a function of its input and of flat weights.

    Args:
        layer: A built layer.
        groups: List of lists of its variables, each all trainable or all not. The values of a
            group make one flat weight.
        likeness: What `likeness` says of the layer.
    """

    def __init__(self, layer, groups, likeness):
        self.layer, self.groups, self.likeness = layer, groups, likeness
        self.trainable = [i for i, group in enumerate(groups) if group[0].trainable]
        self.states = [i for i, group in enumerate(groups) if not group[0].trainable]

    def __call__(self, inputs, *weights, training):
        """Returns what `Bodies.run` returns."""
        outputs, states = run_with(self.layer, self.values(weights), inputs, training)
        return [outputs, *self.flat(self.states, states)]

    def values(self, weights):
        """Returns a dict from `id(variable)` to its value; a weight may be None."""
        values = {}
        for group, weight in zip(self.groups, weights, strict=True):
            if weight is not None:
                values.update(zip(map(id, group), unflatten(weight, group), strict=True))
        return values

    def flat(self, which, values):
        """The other way round: a list of flat tensors for the groups with these indices."""
        parts = [[tf.reshape(values[id(v)], [-1]) for v in self.groups[i]] for i in which]
        return [tf.concat(part, 0) for part in parts]


def _with_written_gradient(body):
    """Returns a body's function that hands one list of tensors on to its gradient."""
    kept_shapes = []

    @_function
    def forward(inputs, *weights):
        outputs, states, kept = preactivation_gradient.forward(
            body.layer, body.values(weights), inputs
        )
        kept_shapes[:] = [tensor.shape for tensor in kept]
        return [_bundle(kept), outputs, *body.flat(body.states, states)]

    @_function
    def backward(upstream, bundle, *weights):
        weights = iter(weights)
        values = body.values([next(weights) if g[0].trainable else None for g in body.groups])
        kept = _unbundle(bundle, kept_shapes)
        by_inputs, gradients = preactivation_gradient.backward(body.layer, values, kept, upstream)
        return [by_inputs, *body.flat(body.trainable, gradients)]

    @tf.custom_gradient
    def run(inputs, *weights):
        bundle, *outputs = forward(inputs, *weights)

        def gradient(upstream, *_):
            trained = [weights[i] for i in body.trainable]
            by_inputs, *by_trained = backward(upstream, bundle, *trained)
            by_weights = [None] * len(weights)
            for i, value in zip(body.trainable, by_trained, strict=True):
                by_weights[i] = value
            return by_inputs, *by_weights

        return outputs, gradient

    return run


def _bundle(tensors):
    """Float32 tensors as one tensor."""
    bundle = tf.raw_ops.EmptyTensorList(
        element_shape=-1, max_num_elements=-1, element_dtype=tf.float32
    )
    for tensor in tensors:
        bundle = tf.raw_ops.TensorListPushBack(input_handle=bundle, tensor=tensor)
    return bundle


def _unbundle(bundle, shapes):
    tensors = []
    for i, shape in enumerate(shapes):
        tensor = tf.raw_ops.TensorListGetItem(
            input_handle=bundle, index=i, element_shape=-1, element_dtype=tf.float32
        )
        tensor.set_shape(shape)
        tensors.append(tensor)
    return tensors
