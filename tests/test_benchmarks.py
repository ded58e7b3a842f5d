"""What the benchmarks measure against is what they say."""

import keras
import numpy as np
import pytest

from keras_enas.cost import count_parameters
from keras_enas.hypermodels import HyperMacroCNN
from keras_enas.layers import FactorizedReduction

# Six layers, all operations; with skips over both reductions, without any, and with all.
ARCHITECTURES = {
    "some": "conv3 | sep3 1 | conv5 01 | sep5 100 | avg3 0110 | max3 10001",
    "none": "avg3 | max3 0 | sep5 00 | conv3 000 | conv5 0000 | sep3 00000",
    "all": "max3 | conv5 1 | avg3 11 | sep3 111 | sep5 1111 | conv3 11111",
}


@pytest.fixture(scope="module")
def stock(load_file):
    return load_file("benchmarks/step_time_stock.py")


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def macro(request, macro_space):
    """A hypermodel, an architecture of its space and its child."""
    # An odd number of filters: the two paths of a reduction are not of one size.
    hypermodel = HyperMacroCNN((8, 8, 3), 3, num_layers=6, filters=5, learning_rate=0.3)
    architecture = macro_space(6).parse(ARCHITECTURES[request.param])
    return hypermodel, architecture, hypermodel.build(architecture.to_hyperparameters())


def fill(model):
    """Gives weights of one kind and number of inputs the same values, in any model.

    A reduction has its channels in one kernel in one model and in two in the
    other, so those of a kernel are alike; the normalisations make them differ.
    """
    for variable in model.variables:
        if "kernel" in variable.name:
            of_inputs = np.linspace(-0.4, 1.0, int(np.prod(variable.shape[:-1])))
            shape = (*variable.shape[:-1], 1)
            variable.assign(np.broadcast_to(of_inputs.reshape(shape), variable.shape))
        elif variable.name in ("gamma", "beta", "moving_mean", "moving_variance"):
            variable.assign(np.linspace(0.2, 1.5, variable.shape[0]))


def test_the_child_by_hand_computes_what_the_child_computes(stock, macro, images):
    hypermodel, architecture, child = macro
    by_hand = stock.by_hand(hypermodel, architecture)
    stock.check_same_size(child, by_hand)
    assert not any(type(x).__module__.startswith("keras_enas") for x in by_hand._flatten_layers())
    x, _ = images(4)
    logits = []
    for model in (child, by_hand):
        fill(model)
        until = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        logits.append(np.array(keras.Model(model.input, until[0].output)(x)))
    assert logits[0].std() > 1e-3
    np.testing.assert_allclose(*logits, rtol=1e-4)


def settings_of(model):
    """What a model is trained with: optimizer, loss, XLA or not, and its moving averages."""
    optimizer = model.optimizer.get_config()
    del optimizer["name"]
    averages = [
        (layer.momentum, layer.epsilon)
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    return optimizer, model.loss, model.jit_compile, averages


def test_the_children_are_trained_alike(stock, macro):
    hypermodel, architecture, child = macro
    for other in (stock.by_hand(hypermodel, architecture), stock.exported(hypermodel, child)):
        assert settings_of(other) == settings_of(child)
        assert other.optimizer is not child.optimizer


def test_the_export_trains_the_zeros_of_its_reductions(stock, macro):
    hypermodel, _, child = macro
    reductions = [x for x in child.layers if isinstance(x, FactorizedReduction)]
    exported = stock.exported(hypermodel, child)
    more = sum(3 * int(np.prod(x.kernel.shape)) for x in reductions)
    assert more and count_parameters(exported) == count_parameters(child) + more


def test_another_network_is_refused(stock, macro):
    hypermodel, _, child = macro
    with pytest.raises(RuntimeError, match="not the same network"):
        stock.check_same_size(child, stock.exported(hypermodel, child))
