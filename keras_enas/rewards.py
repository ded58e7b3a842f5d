"""What a score is worth to the controller: a function of metrics, higher is better."""


def objective_reward(metrics, objective):
    """The objective itself, turned so that higher is better.

    For accuracy it is the reward of the paper (section 2.2).

    Args:
        metrics: Dict from metric name, without `val_`, to float.
        objective: A `keras_tuner.Objective`.

    Returns:
        Float.
    """
    value = metrics[objective.name.removeprefix("val_")]
    return value if objective.direction == "max" else -value


def name_of(reward):
    """By what a search that goes on recognises its reward: a text that another process has, too.

    Args:
        reward: Callable: a function, or an object, whose settings it tells by if they are in
            its `repr`.

    Returns:
        String.
    """
    if hasattr(reward, "__qualname__"):
        return reward.__qualname__
    shown = repr(reward)
    # An address is another one in each process.
    return type(reward).__qualname__ if " at 0x" in shown else shown


def absolute_penalty(cost, target, weight):
    """What the absolute reward adds for a cost: `weight * |cost / target - 1|`.

    TuNAS (Bender et al. 2020; "abs" in its released code): the reward is
    `accuracy + weight * |cost / target - 1|`. It pulls towards the target from both
    sides, so that one search ends near to it.

    Args:
        cost: Number.
        target: Number above 0.
        weight: Number of at most 0; beta there, -0.1 in the released code.

    Returns:
        Float of at most 0.
    """
    return float(weight * abs(cost / target - 1))


def perplexity_reward(c=80.0):
    """The reward of the recurrent space: `c / perplexity` (paper, section 3.1).

    Args:
        c: Float, positive. 80 in the paper and in the released code, for words of
            Penn Treebank, where a perplexity is about that: the controller's
            profile "default" does not mind the scale, the published ones do.

    Returns:
        A function of metrics and objective, for `ENASTuner(reward=...)`; the
        objective is a perplexity.

    Raises:
        ValueError: If `c` is not positive.
    """
    if not c > 0:
        raise ValueError(f"`c` must be positive. Received: c={c!r}.")

    def reward(metrics, objective):
        return c / metrics[objective.name.removeprefix("val_")]

    return reward
