"""A model of our layers written again in stock Keras layers."""

import keras

# The class of `keras.Model(inputs, outputs)`, which Keras does not name in public.
Functional = type(keras.Model(_in := keras.Input((1,)), _in))


def to_keras(model):
    """Rebuilds a functional or sequential model from stock Keras layers only.

    What computes faster while training (`BatchNormalization`, `MaxPooling2D`,
    `FactorizedReduction` and others of this package) becomes the layers of
    Keras that compute the same, with the weights copied. The result loads
    where keras_enas is not installed. Layers that are not of this package are
    copied as they are.

    Args:
        model: A built functional or sequential `keras.Model`.

    Returns:
        A new `keras.Model`, not compiled, that predicts the same.

    Raises:
        ValueError: If the model is of another kind.
    """
    if not isinstance(model, (keras.Sequential, Functional)):
        raise ValueError(
            "Only functional and sequential models can be written in stock layers. "
            f"Received: {model!r}."
        )
    pairs = []

    def clone(layer):
        if hasattr(layer, "to_keras"):
            return layer
        if isinstance(layer, keras.Model):
            return to_keras(layer)
        copy = type(layer).from_config(layer.get_config())
        pairs.append((copy, layer.get_weights))
        return copy

    def call(layer, *args, **kwargs):
        if not hasattr(layer, "to_keras"):
            return layer(*args, **kwargs)
        outputs, weights = layer.to_keras(args[0])
        pairs.extend(weights)
        return outputs

    if isinstance(model, keras.Sequential):
        inputs = keras.Input(batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype)
        outputs = inputs
        for layer in model.layers:
            outputs = call(clone(layer), outputs)
        stock = keras.Model(inputs, outputs, name=model.name)
    else:
        stock = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer, get_weights in pairs:
        layer.set_weights([keras.ops.convert_to_numpy(weight) for weight in get_weights()])
    return stock
