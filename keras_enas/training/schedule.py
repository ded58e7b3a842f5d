"""The learning rate: cosine with warm restarts."""

import math
import warnings

import keras


def cycle_ends(first, growth, until):
    """Epochs at which a cycle ends and the next one would begin.

    The cycles last `first`, `first * growth`, `first * growth ** 2`, ... epochs
    (Loshchilov & Hutter 2017; T0 = 10 and Tmul = 2 in the paper: 10, 30, 70,
    150, 310, 630).

    Args:
        first: Number of epochs of the first cycle.
        growth: Number of at least 1.
        until: Number of epochs.

    Returns:
        List of floats, up to and including the first one that is at least `until`.
    """
    ends, length = [float(first)], float(first)
    while ends[-1] < until - 1e-6:
        length *= growth
        ends.append(ends[-1] + length)
    return ends


def warn_of_a_cut_cycle(epochs, first, growth):
    """Warns if training would stop within a cycle, at a learning rate that is still high.

    Args:
        epochs: Integer.
        first: Number of epochs of the first cycle.
        growth: Number of at least 1.
    """
    ends = cycle_ends(first, growth, epochs)
    if math.isclose(ends[-1], epochs, abs_tol=1e-6):
        return
    nearest = " or ".join(f"{end:g}" for end in ends[-2:])
    warnings.warn(
        f"epochs={epochs} stops within a cycle of the learning rate, where it is still high. "
        f"The nearest numbers of epochs that end a cycle: {nearest}.",
        stacklevel=2,
    )


def cosine_restarts(maximum, minimum, first, growth, steps_per_epoch):
    """The learning rate of the paper as a schedule of Keras.

    Within a cycle of `T` steps, `t` steps after its beginning, the rate is

        minimum + (maximum - minimum) * (1 + cos(pi * t / T)) / 2

    It changes at every step (the released code's at every epoch, with a wrong
    rate in the first step of a cycle).

    Args:
        maximum: Float, the rate at the beginning of every cycle.
        minimum: Float, the rate that every cycle ends at.
        first: Number of epochs of the first cycle.
        growth: Number of at least 1, how much longer each cycle is than the last.
        steps_per_epoch: Integer.

    Returns:
        A `keras.optimizers.schedules.CosineDecayRestarts`.
    """
    return keras.optimizers.schedules.CosineDecayRestarts(
        float(maximum),
        first_decay_steps=max(1, round(first * steps_per_epoch)),
        t_mul=float(growth),
        m_mul=1.0,
        alpha=minimum / maximum,
    )
