"""Measured latency: what is timed, how, and that it leaves no trace."""

import itertools
import random

import keras
import pytest

from keras_enas.hypermodels import HyperNASBench201, HyperRecurrentLM
from keras_enas.tuner.resources import Latency, latency


def dense(units, shape=(32,)):
    inputs = keras.Input(shape)
    x = keras.layers.Dense(units)(inputs)
    return keras.Model(inputs, keras.layers.Dense(units)(x))


def ticks(monkeypatch, seconds):
    """Puts a clock in place by which one call after the other takes so many seconds."""
    times = itertools.accumulate(itertools.chain.from_iterable((1.0, s) for s in seconds))
    monkeypatch.setattr(latency, "clock", lambda: next(times))


def test_the_median_in_milliseconds(monkeypatch):
    ticks(monkeypatch, [0.25, 4.0, 0.5])
    assert Latency(warm_up=2, repetitions=3).measure(dense(2)) == 500.0


def test_the_first_calls_are_not_timed(monkeypatch):
    monkeypatch.setattr(latency, "clock", lambda: len(finished))
    finished = []
    monkeypatch.setattr(latency, "_finish", finished.append)
    assert Latency(batch_size=3, warm_up=4, repetitions=5).measure(dense(2)) == 1000.0
    assert len(finished) == 4 + 5
    # One call has the whole batch.
    assert {tuple(y.shape) for y in finished} == {(3, 2)}


def test_a_much_larger_child_is_not_faster():
    small, large = (Latency(64, 3, 15).measure(dense(units)) for units in (4, 2048))
    # 500,000 times the multiplications.
    assert 0 < small < large


@pytest.mark.parametrize(
    "child",
    [
        lambda: HyperNASBench201((8, 8, 3), 3, 1, 2).build_architecture(
            "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
        ),
        lambda: HyperRecurrentLM(20, num_nodes=2, units=4).build_architecture("relu | 0 relu"),
        lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]),
    ],
    ids=["own layers", "text of no fixed length", "sequential"],
)
def test_children_of_every_kind(child):
    assert Latency(2, 1, 1).measure(child()) > 0


def test_other_models_are_refused():
    class Own(keras.Model):
        pass

    with pytest.raises(ValueError, match="Only functional and sequential"):
        Latency().measure(Own())


@pytest.mark.parametrize("argument", ["batch_size", "warm_up", "repetitions"])
@pytest.mark.parametrize("value", [0, 1.5, None])
def test_bad_input(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be an integer of at least 1"):
        Latency(**{argument: value})


def test_measuring_leaves_no_trace_in_chance():
    from keras_enas.tuner.resources import Resources

    hypermodel = HyperNASBench201((8, 8, 3), 3, 1, 2)
    from keras_enas.hypermodels.children import space_of

    resources = Resources(
        hypermodel,
        lambda one, children: children.build(one.to_hyperparameters()),
        space_of(hypermodel),
        cost=Latency(1, 1, 1),
    )
    random.seed(3)
    before = random.getstate()
    assert resources.costs([[0] * 6])[0] > 0
    assert random.getstate() == before
