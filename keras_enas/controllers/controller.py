"""The controller: the policy, and what it takes to sample from it and to teach it."""

import keras
import numpy as np
import tensorflow as tf

from keras_enas.controllers import reinforce
from keras_enas.controllers.lstm import LSTMPolicy


class Controller:
    """An LSTM policy taught by REINFORCE.

    Sampling and learning are one traced function each, for any number of
    architectures.

    Args:
        space: A `SearchSpace` with at least one decision.
        settings: `ControllerSettings`.
        seed: Integer, of the initial weights.
    """

    def __init__(self, space, settings, seed=0):
        self.space = space
        self.settings = settings
        self.policy = LSTMPolicy(space, settings, seed)
        self.baseline = tf.Variable(np.nan, dtype=tf.float64, trainable=False)
        self._groups = [(self.policy.lstm_weights, settings.learning_rate)]
        if self.policy.offsets is not None:
            self._groups.append(([self.policy.offsets.values], settings.offset_learning_rate))
        self._optimizers = []
        for weights, rate in self._groups:
            optimizer = keras.optimizers.Adam(
                rate, beta_1=settings.beta_1, epsilon=settings.epsilon
            )
            optimizer.build(weights)
            self._optimizers.append(optimizer)
        signature = [
            tf.TensorSpec((), tf.int32),
            tf.TensorSpec((2,), tf.int32),
            tf.TensorSpec((), tf.float32),
        ]
        # Plain loops over the plan, to be unrolled: AutoGraph would only take time.
        self._draw = tf.function(self.policy.draw, input_signature=signature, autograph=False)
        signature = [
            tf.TensorSpec((None, len(space)), tf.int32),
            tf.TensorSpec((None,), tf.float64),
        ]
        self._learn = tf.function(self._update, input_signature=signature, autograph=False)

    def sample(self, n, seed):
        """Draws `n` architectures, int32 array `(n, decisions)`; equal seeds, equal draws."""
        return self._draw(n, np.asarray(seed, np.int32), 1.0)[0].numpy()

    def most_likely(self):
        """The likeliest candidate at every step, int32 array `(decisions,)`."""
        return self._draw(1, np.zeros(2, np.int32), 0.0)[0].numpy()[0]

    def probabilities(self, n=256):
        """Marginal probability of every candidate, estimated by a fixed sample.

        Args:
            n: Integer, over how many drawn architectures the conditional
                probabilities are averaged.

        Returns:
            List of float arrays `(candidates,)`, one for each decision.
        """
        logits = self._draw(n, np.zeros(2, np.int32), 1.0)[1]
        return [
            row
            for step_logits in logits
            for row in tf.reduce_mean(tf.nn.softmax(tf.cast(step_logits, tf.float64)), 0).numpy()
        ]

    def learn(self, architectures, rewards):
        """One gradient update.

        Args:
            architectures: int32 array `(n, decisions)`.
            rewards: float64 array `(n,)`, finite; higher is better.

        Returns:
            Dict of floats: the policy's `entropy` in nats (mean over these
            architectures, before the update), `baseline`, `gradient_norm`, `loss`.
        """
        result = self._learn(architectures, rewards)
        return {name: float(value) for name, value in result.items()}

    def _update(self, architectures, rewards):
        settings = self.settings
        weights = [weight for group, _ in self._groups for weight in group]
        with tf.GradientTape() as tape:
            logits = self.policy.logits_of(architectures)
            log_probs, entropies = self._log_probs_and_entropies(logits, architectures)
            entropy = tf.reduce_sum(entropies, axis=1)
            if settings.entropy_of == "sample":
                bonus = tf.reduce_sum(reinforce.sampled_action_entropy(log_probs), axis=1)
            else:
                bonus = entropy
            if settings.entropy_in == "reward":
                rewards += settings.entropy_weight * tf.cast(tf.stop_gradient(bonus), rewards.dtype)
            baselines, baseline = reinforce.moving_average_baseline(
                self.baseline, rewards, settings.baseline_decay
            )
            if settings.advantage == "normalised":
                advantages = reinforce.normalised_advantage(rewards)
            else:
                advantages = reinforce.advantage(rewards, baselines)
            loss = reinforce.policy_gradient_loss(
                tf.reduce_sum(log_probs, axis=1), tf.cast(advantages, log_probs.dtype)
            )
            if settings.entropy_in == "loss":
                loss -= settings.entropy_weight * tf.reduce_mean(bonus)
            if settings.skip_weight and self.policy.plan.skip_vectors:
                loss += settings.skip_weight * self._skip_penalty(logits)
        # Zero for what nothing depends on: the embedding of a list that only ends the space.
        gradients = tape.gradient(
            loss,
            [weight.value for weight in weights],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        norm = tf.linalg.global_norm(gradients)
        for (group, _), optimizer in zip(self._groups, self._optimizers, strict=True):
            optimizer.apply(gradients[: len(group)], group)
            gradients = gradients[len(group) :]
        self.baseline.assign(baseline)
        return {
            "entropy": tf.reduce_mean(entropy),
            "baseline": baseline,
            "gradient_norm": norm,
            "loss": loss,
        }

    def _log_probs_and_entropies(self, logits, architectures):
        """Both `(n, decisions)`, the decisions in the order of the plan's groups."""
        log_probs, entropies = [], []
        for group, x in zip(self.policy.plan.groups, logits, strict=True):
            actions = tf.gather(architectures, group.decisions, axis=1)
            chosen = tf.one_hot(actions, group.width) * tf.nn.log_softmax(x)
            log_probs.append(tf.reduce_sum(chosen, axis=-1))
            entropies.append(reinforce.entropy(x))
        return tf.concat(log_probs, axis=1), tf.concat(entropies, axis=1)

    def _skip_penalty(self, logits):
        plan = self.policy.plan
        (skips,) = (x for g, x in zip(plan.groups, logits, strict=True) if g.kind == "skip")
        odds = skips[..., 1]
        if self.settings.skip_probability == "policy":
            odds -= skips[..., 0]
        return reinforce.skip_penalty(odds, self.settings.skip_target, plan.skip_vectors)

    def get_arrays(self):
        """Everything that was learned, as `{name: array}`."""
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def set_arrays(self, arrays):
        """Puts back what `get_arrays` returned.

        Raises:
            ValueError: If names or shapes differ; then nothing is changed.
        """
        variables = self._variables()
        if set(arrays) != set(variables):
            raise ValueError(
                f"`arrays` lacks {sorted(set(variables) - set(arrays))} and has the unknown "
                f"{sorted(set(arrays) - set(variables))}. It belongs to a controller with "
                "other settings."
            )
        for name, variable in variables.items():
            if np.shape(arrays[name]) != tuple(variable.shape):
                raise ValueError(
                    f"`arrays['{name}']` has shape {np.shape(arrays[name])}, this controller "
                    f"needs {tuple(variable.shape)}: another space or other settings."
                )
        for name, variable in variables.items():
            variable.assign(arrays[name])

    def _variables(self):
        variables = {f"policy/{k}": v for k, v in self.policy.named_weights.items()}
        for i, optimizer in enumerate(self._optimizers):
            variables.update({f"optimizer/{i}/{j}": v for j, v in enumerate(optimizer.variables)})
        variables["baseline"] = self.baseline
        return variables
