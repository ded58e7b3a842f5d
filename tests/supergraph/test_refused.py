"""What a supergraph cannot do is refused, with a message that says what and why."""

import keras
import pytest
from function_space import FromFunction, compiled

from keras_enas.choices import InputChoice, Keyed, OpChoice, SkipChoice
from keras_enas.supergraph import Supergraph


def test_architectures_that_do_not_fit_are_refused(spaces):
    supergraph = Supergraph(spaces["dense"]())
    with pytest.raises(ValueError, match="'op'"):
        supergraph.set_architectures([[2]])
    with pytest.raises(ValueError, match="1 decisions"):
        supergraph.set_architectures([[0, 0]])


def test_a_hypermodel_without_choices_is_refused():
    def build(hp):
        inputs = keras.Input((4,))
        return compiled(inputs, keras.layers.Dense(1)(inputs))

    with pytest.raises(ValueError, match=r"no choices.*OpChoice"):
        Supergraph(FromFunction(build))


def test_a_model_that_is_not_compiled_is_refused():
    def build(hp):
        inputs = keras.Input((4,))
        return keras.Model(inputs, OpChoice(hp, "op", {"a": keras.layers.Identity})(inputs))

    with pytest.raises(ValueError, match="compile"):
        Supergraph(FromFunction(build))
    supergraph = Supergraph(
        FromFunction(build), override_compile=lambda model: model.compile("sgd", "mse")
    )
    assert supergraph.network.compiled


def test_an_activity_regularizer_inside_a_switch_is_refused():
    def layer():
        return keras.layers.Dense(4, activity_regularizer="l2")

    def in_candidate(hp):
        inputs = keras.Input((4,))
        candidates = {"plain": keras.layers.Identity, "dense": layer}
        return compiled(inputs, OpChoice(hp, "op", candidates)(inputs))

    def in_keyed(hp):
        inputs = keras.Input((4,))
        OpChoice(hp, "op", {"a": keras.layers.Identity, "b": keras.layers.Identity})(inputs)
        return compiled(inputs, Keyed(hp, "op", layer)(inputs))

    with pytest.raises(ValueError, match=r"'dense' of OpChoice 'op'.*activity_regularizer"):
        Supergraph(FromFunction(in_candidate))
    with pytest.raises(ValueError, match=r"Keyed on 'op'.*activity_regularizer"):
        Supergraph(FromFunction(in_keyed))


def test_a_loss_added_inside_a_switch_is_refused():
    class Adding(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(keras.ops.sum(inputs))
            return inputs

    def build(hp):
        inputs = keras.Input((4,))
        candidates = {"plain": keras.layers.Identity, "adding": Adding}
        return compiled(inputs, OpChoice(hp, "op", candidates)(inputs))

    with pytest.raises(ValueError, match=r"'adding' of OpChoice 'op'.*add_loss"):
        Supergraph(FromFunction(build))


def test_tensors_of_different_shapes_are_refused():
    def inputs_differ(hp):
        inputs = keras.Input((4,))
        tensors = [inputs, keras.layers.Dense(5)(inputs)]
        return compiled(inputs, InputChoice(hp, "source")(tensors))

    def skips_differ(hp):
        inputs = keras.Input((4,))
        total, _ = SkipChoice(hp, "skip")(inputs, [keras.layers.Dense(1)(inputs)])
        return compiled(inputs, total)

    def only_changes_shape(hp):
        inputs = keras.Input((4,))
        x = OpChoice(hp, "op", {"a": keras.layers.Identity, "b": keras.layers.Identity})(inputs)
        return compiled(inputs, Keyed(hp, "op", lambda: keras.layers.Dense(3), only=["a"])(x))

    for build, message in (
        (inputs_differ, "InputChoice 'source' differ"),
        (skips_differ, "SkipChoice 'skip' differ"),
        (only_changes_shape, "Keyed on 'op'"),
    ):
        with pytest.raises(ValueError, match=message):
            Supergraph(FromFunction(build))


def test_the_network_by_itself_says_what_is_missing(spaces, numbers):
    supergraph = Supergraph(spaces["dense"]())
    with pytest.raises(RuntimeError, match="without an architecture"):
        supergraph.network(numbers[0])
