"""One round of ENAS, top to bottom: the algorithm itself.

Section 2.2 of the paper: train the shared weights on architectures that the
controller samples (or on others, see `sampling.py`), then train the controller on what
its samples score with these weights; section 2.3: derive the best of some samples.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from keras_enas.rewards import objective_reward
from keras_enas.tuner import sampling


@dataclasses.dataclass(frozen=True, kw_only=True)
class RoundSettings:
    """What a round does how often; see `ENASTuner`."""

    samples_per_update: int
    epochs: int = 1
    warmup_rounds: int = 0
    sampling: str
    architectures_per_step: int = 1
    controller_updates: int = 10
    derive_samples: int = 10
    derive_batches: int | None = 10


@dataclasses.dataclass(frozen=True)
class Score:
    """What the shared weights score as an architecture on validation batches.

    It is meant to rank architectures; it is not what a trained model scores.

    Args:
        objective: Float, the objective over all batches: their mean, weighted by their size,
            or, of a metric such as AUC that is no mean of examples, that of all together.
        deviation: Float, its standard deviation from batch to batch.
        reward: Float, what the batches earned on average, or together, where the objective
            is taken so; higher is better.
    """

    objective: float
    deviation: float
    reward: float


class Judge:
    """Scores architectures by the objective and the reward.

    Args:
        scorer: A `Scorer`, or what is called as it is and has its `averages`.
        objective: A `keras_tuner.Objective`.
        reward: Callable from metrics and objective to a float, higher is better.
    """

    def __init__(self, scorer, objective, reward):
        self._scorer = scorer
        self._objective = objective
        self.reward_function = reward

    def reward(self, architecture, batch):
        """What one architecture earns on one batch."""
        return float(self.reward_function(self._scorer(architecture, [batch]), self._objective))

    def score(self, architecture, validation, batches=None):
        """Scores one architecture on each of the validation batches (or the first few)."""
        name = self._objective.name.removeprefix("val_")
        batches = validation.batches[:batches]
        found = [self._scorer(architecture, [batch]) for batch in batches]
        weights = np.array(validation.sizes[: len(batches)], float)
        values = np.array([metrics[name] for metrics in found])
        deviation = float(np.std(values))
        # Another reward may look at any metric, unless it brings its own.
        reward = self.reward_function
        own = reward is objective_reward or hasattr(reward, "listening")
        if not self._scorer.averages(name if own else None):
            together = self._scorer(architecture, batches)
            reward = float(self.reward_function(together, self._objective))
            return Score(together[name], deviation, reward)
        rewards = [float(self.reward_function(metrics, self._objective)) for metrics in found]
        return Score(
            float(np.average(values, weights=weights)),
            deviation,
            float(np.average(rewards, weights=weights)),
        )


def shared_weight_phase(supergraph, oracle, fit, data, settings, number):
    """Trains the shared weights, each step as other sampled architectures.

    With several architectures a step each batch is trained as all of them, one
    after the other, and the weights are updated by the mean of the gradients.

    Args:
        supergraph: The `Supergraph`, with as many `architectures_per_step`.
        oracle: The `SearchOracle`; it does not change but for its draw counter.
        fit: Callable like `supergraph.fit`.
        data: `TrainingData`.
        settings: `RoundSettings`.
        number: Integer, the round, from 0.

    Returns:
        Dict from metric name to its mean over the last epoch; metrics that are no scalar are
        left out.
    """
    first, group = number * settings.epochs, settings.architectures_per_step
    replicas = supergraph.distribute_strategy.num_replicas_in_sync
    rows = data.steps * settings.epochs * replicas * group
    supergraph.set_architectures(
        sampling.draw(
            settings.sampling,
            rows,
            group,
            oracle,
            lambda: sampling.sizes_of_candidates(supergraph),
            (oracle.seed, number, 0x73616D70),
        )
    )
    batches = data.batches(range(first, first + settings.epochs))
    if group > 1:
        batches = batches.flat_map(lambda *batch: tf.data.Dataset.from_tensors(batch).repeat(group))
    history = fit(
        batches,
        initial_epoch=first,
        epochs=first + settings.epochs,
        steps_per_epoch=data.steps * group,
        shuffle=False,
    )
    last = {name: values[-1] for name, values in history.history.items()}
    return {name: float(value) for name, value in last.items() if not np.ndim(value)}


def controller_phase(oracle, judge, validation, settings, rng):
    """Teaches the oracle what its samples earn on validation minibatches.

    All samples of one update are scored on one minibatch, so that they differ
    by their architecture and not by the luck of the draw. (The paper draws a
    minibatch for each sample.)

    Args:
        oracle: The `SearchOracle`.
        judge: The `Judge`.
        validation: `ValidationData`.
        settings: `RoundSettings`.
        rng: `numpy.random.Generator`, which draws the minibatches.

    Returns:
        Dict of what the oracle recorded, and of the rewards.
    """
    rewards = []
    for _ in range(settings.controller_updates):
        batch = validation.batches[rng.integers(len(validation.batches))]
        architectures = oracle.sample(settings.samples_per_update)
        earned = [judge.reward(architecture, batch) for architecture in architectures]
        oracle.learn(architectures, earned)
        rewards += earned
    finite = [reward for reward in rewards if np.isfinite(reward)]
    return {
        **oracle.diagnostics(),
        "mean_reward": float(np.mean(finite)) if finite else float("nan"),
        "reward_deviation": float(np.std(finite)) if finite else float("nan"),
        "num_samples": len(rewards),
        "num_dropped": len(rewards) - len(finite),
    }


def derive(judge, validation, architectures, batches=None):
    """Scores sampled architectures on the same validation batches.

    Args:
        judge: The `Judge`.
        validation: `ValidationData`.
        architectures: Integers `(n, decisions)`.
        batches: Optional integer, how many of the batches to use.

    Returns:
        List of `(indices, Score)`, best reward first; each architecture once,
        those whose score is not finite left out.
    """
    unique = dict.fromkeys(tuple(int(i) for i in architecture) for architecture in architectures)
    scored = [(indices, judge.score(indices, validation, batches)) for indices in unique]
    finite = [(i, s) for i, s in scored if np.isfinite(s.objective) and np.isfinite(s.reward)]
    return sorted(finite, key=lambda item: -item[1].reward)
