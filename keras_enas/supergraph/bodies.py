"""One trace for all keyed layers that are alike.

Each becomes a call of one function of its weights and its input. TensorFlow would put the body in
the place of the call, and optimise hundreds of copies; the function is marked to stay one.
"""

import tensorflow as tf

from keras_enas.supergraph.packing import run_with, unflatten


class Bodies:
    """The functions that stand for keyed layers within one trace of the network."""

    def __init__(self):
        self._functions = {}

    def run(self, keyed, weights, inputs, training):
        """Runs the layer of a `KeyedLayer` on weights.

        Args:
            keyed: The `KeyedLayer`.
            weights: List of flat tensors, one for each of its `groups`.
            inputs: Tensor.
            training: Boolean or None.

        Returns:
            List of the output, then for each group that is not trainable its new flat value.
        """
        if keyed.likeness is None or tf.executing_eagerly():
            return keyed.compute(weights, inputs, training)
        key = (keyed.likeness, str(inputs.shape), inputs.dtype, bool(training))
        if key not in self._functions:

            def body(inputs, *weights):
                return keyed.compute(weights, inputs, training)

            # It is traced once, and known layers need no AutoGraph.
            self._functions[key] = tf.function(
                body, autograph=False, experimental_attributes={"_noinline": True}
            )
        return self._functions[key](inputs, *weights)


def compute(template, groups, weights, inputs, training):
    """Calls a layer on flat weights.

    Args:
        template: A built layer.
        groups: List, for each flat weight the list of variables of the template whose values it
            has, all of them trainable or none.
        weights: List of flat tensors.
        inputs: Tensor.
        training: Boolean or None.

    Returns:
        As `Bodies.run`.
    """
    values = {}
    for variables, flat in zip(groups, weights, strict=True):
        values.update(zip(map(id, variables), unflatten(flat, variables), strict=True))
    outputs, states = run_with(template, values, inputs, training)
    changed = [variables for variables in groups if not variables[0].trainable]
    new = [tf.concat([tf.reshape(states[id(v)], [-1]) for v in group], 0) for group in changed]
    # Outputs like the first one, but nothing is to be learned through them.
    return [outputs, *map(tf.stop_gradient, new)]
