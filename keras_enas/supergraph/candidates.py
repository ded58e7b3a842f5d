"""What switches and keyed layers do with the layers that they hold."""

import keras

from keras_enas.layers.pooling import quicken


def symbolic(layer, specs):
    """Calls a layer on tensor descriptions and returns that of its output."""
    return layer(keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape, x.dtype), specs))


def build_on(layer, input_shape, dtype):
    """Builds a layer on a shape, or on several of a layer that takes several tensors."""
    layer(keras.tree.map_shape_structure(lambda s: keras.KerasTensor(s, dtype), input_shape))
    quicken(layer)


def makes_losses(operation):
    """Whether an operation adds losses of its own, which cannot leave a conditional."""
    parts = operation._flatten_layers() if isinstance(operation, keras.Layer) else []
    for part in parts:
        code = getattr(type(part).call, "__code__", None)
        if getattr(part, "activity_regularizer", None):
            return True
        if code is not None and "add_loss" in code.co_names:
            return True
    return False


def check_losses(who, layer):
    if makes_losses(layer):
        raise ValueError(
            f"{who} has an `activity_regularizer` or calls `add_loss`, and such a loss cannot "
            "leave a switch. Regularise its output instead (keras.layers.ActivityRegularization)."
        )


def check_alike(choice, name, tensors):
    first = tensors[0]
    for i, tensor in enumerate(tensors):
        if (tensor.shape, tensor.dtype) != (first.shape, first.dtype):
            raise ValueError(
                f"The tensors of {choice} '{name}' differ: number 0 is {first.shape} "
                f"{first.dtype}, number {i} is {tensor.shape} {tensor.dtype}. "
                "Bring all of them to one shape and dtype first."
            )
