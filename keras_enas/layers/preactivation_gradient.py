"""`ReLUConvNorm` in training, with its gradient written out.

TensorFlow would find the same gradient. But inside a conditional it hands each of some twenty
intermediate results from the forward to the backward branch on its own, and a supergraph of
hundreds of such layers spends its first step on tracing that. Written out, a layer hands on one
list of tensors.
"""

import keras
import tensorflow as tf

from keras_enas.layers.normalization import moved_averages
from keras_enas.layers.preactivation import ReLUConvNorm


def knows(layer, inputs):
    """Whether `forward` and `backward` know such a layer on such an input."""
    return (
        isinstance(layer, ReLUConvNorm)
        and inputs.dtype == tf.float32
        and layer.compute_dtype == "float32"
        and keras.config.image_data_format() == "channels_last"
        and all(c.dilation_rate in (1, (1, 1)) for c in layer.convolutions)
        and all(part.trainable for part in layer._flatten_layers())
    )


def forward(layer, values, inputs):
    """Runs a layer on weights that are given.

    Args:
        layer: A built layer that it `knows`.
        values: Dict from `id(variable)` to its value, for all variables of the layer.
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        The output, a dict from `id(variable)` to the new value of each moving average, and a list
        of tensors that `backward` needs.
    """
    x, states, kept = inputs, {}, []
    for i, convolution in enumerate(layer.convolutions):
        x = tf.nn.relu(x)
        kept.append(x)
        for operation in _convolutions(convolution, values):
            x = operation.forward(x)
            kept.append(x)
        if layer.normalizations:
            norm = layer.normalizations[i]
            before = x
            x, mean, variance, *reserved = tf.raw_ops.FusedBatchNormV3(
                x=x,
                scale=values[id(norm.gamma)],
                offset=values[id(norm.beta)],
                mean=tf.zeros([0]),
                variance=tf.zeros([0]),
                epsilon=norm.epsilon,
                is_training=True,
            )
            kept += reserved
            averages = [values[id(norm.moving_mean)], values[id(norm.moving_variance)]]
            # Not of `x`: TensorFlow fuses the normalisation with the ReLU that alone takes it.
            new = moved_averages(norm, averages, mean, variance, before)
            states.update(zip(map(id, (norm.moving_mean, norm.moving_variance)), new, strict=True))
    return x, states, kept


def backward(layer, values, kept, upstream):
    """The gradient of the output of `forward`.

    Args:
        layer: As for `forward`.
        values: As for `forward`; moving averages may be missing.
        kept: List of the tensors that `forward` returned.
        upstream: Float tensor like the output, the gradient by it.

    Returns:
        The gradient by the input, and a dict from `id(variable)` to that by each trainable one.
    """
    kept, gradients, d = list(kept), {}, upstream
    for i in reversed(range(len(layer.convolutions))):
        if layer.normalizations:
            norm = layer.normalizations[i]
            reserved = kept[-3:]
            del kept[-3:]
            d, d_gamma, d_beta, _, _ = tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=d,
                x=kept[-1],
                scale=values[id(norm.gamma)],
                reserve_space_1=reserved[0],
                reserve_space_2=reserved[1],
                reserve_space_3=reserved[2],
                epsilon=norm.epsilon,
                is_training=True,
            )
            gradients.update({id(norm.gamma): d_gamma, id(norm.beta): d_beta})
        for operation in reversed(_convolutions(layer.convolutions[i], values)):
            kept.pop()
            d, gradients[operation.key] = operation.backward(kept[-1], d)
        d = tf.raw_ops.ReluGrad(gradients=d, features=kept.pop())
    return d, gradients


def _convolutions(convolution, values):
    """The one or two operations that a convolution of Keras is made of."""
    strides = [1, *convolution.strides, 1]
    if not isinstance(convolution, keras.layers.SeparableConv2D):
        return [_Convolution(convolution.kernel, values, strides)]
    return [
        _Depthwise(convolution.depthwise_kernel, values, strides),
        _Convolution(convolution.pointwise_kernel, values, [1, 1, 1, 1]),
    ]


class _Convolution:
    def __init__(self, variable, values, strides):
        self.key = id(variable)
        self.kernel = values[self.key]
        self.settings = {"strides": strides, "padding": "SAME"}

    def forward(self, x):
        return tf.raw_ops.Conv2D(input=x, filter=self.kernel, **self.settings)

    def backward(self, x, upstream):
        common = {"out_backprop": upstream, **self.settings}
        by_input = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(x), filter=self.kernel, **common
        )
        by_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=x, filter_sizes=self.kernel.shape, **common
        )
        return by_input, by_kernel


class _Depthwise(_Convolution):
    def forward(self, x):
        return tf.raw_ops.DepthwiseConv2dNative(input=x, filter=self.kernel, **self.settings)

    def backward(self, x, upstream):
        common = {"out_backprop": upstream, **self.settings}
        by_input = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
            input_sizes=tf.shape(x), filter=self.kernel, **common
        )
        by_kernel = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
            input=x, filter_sizes=self.kernel.shape, **common
        )
        return by_input, by_kernel
