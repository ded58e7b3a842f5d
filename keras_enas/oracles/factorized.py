"""Independent logits taught by REINFORCE: no decision knows of another."""

import numpy as np

from keras_enas.oracles import checks
from keras_enas.oracles.oracle import SearchOracle
from keras_enas.oracles.updates import chunks

# Of Adam.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class FactorizedOracle(SearchOracle):
    """The policy of TuNAS, Bender et al. 2020, https://arxiv.org/abs/2008.06120.

    A softmax of its own for every decision, all logits zero at the beginning, taught by
    REINFORCE (Williams 1992) with a moving-average baseline and Adam. It cannot express
    that one decision depends on another, and for that it learns from few samples. It is
    also the REINFORCE of NAS-Bench-201
    (https://arxiv.org/abs/2001.00326: baseline 0.9, Adam, one sample an update).

    Args:
        objective: As in `keras_tuner.Oracle`.
        max_trials: Integer, the most trials to run.
        learning_rate: Float, of Adam.
        baseline_decay: Float in `[0, 1)`, of the moving average.
        warmup_samples: Integer, samples at the beginning from which the baseline learns,
            but not the policy.
        samples_per_update: Integer, samples of one gradient step. More at once are
            divided into steps; a single one that is left joins the last.
        seed: Optional integer. 0 is a seed; None draws one.
        **kwargs: As in `SearchOracle`.

    Raises:
        ValueError: If an argument is out of its range; the message names it.
    """

    def __init__(
        self,
        objective=None,
        max_trials=100,
        learning_rate=0.05,
        baseline_decay=0.9,
        warmup_samples=0,
        samples_per_update=1,
        seed=None,
        **kwargs,
    ):
        checks.check_number("learning_rate", learning_rate, 0, above=True)
        checks.check_number("baseline_decay", baseline_decay, 0, 1, below=True)
        checks.check_integer("warmup_samples", warmup_samples, 0)
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            samples_per_update=samples_per_update,
            **kwargs,
        )
        self.learning_rate, self.baseline_decay = learning_rate, baseline_decay
        self.warmup_samples = warmup_samples
        self._baseline = np.nan
        self._num_learned = 0
        # Logits and Adam's two moments, each `(decisions, candidates)`, and its steps.
        self._logits = self._first = self._second = None
        self._num_steps = 0

    def _build(self):
        if self._logits is None:
            shape = (len(self.space), int(self.space.num_candidates.max()))
            self._logits, self._first, self._second = (np.zeros(shape) for _ in range(3))

    def _softmax(self):
        """Probabilities, float64 `(decisions, candidates)`, 0 where there is no candidate."""
        self._build()
        logits = self._logits.copy()
        width = np.arange(logits.shape[1])
        logits[width >= self.space.num_candidates[:, None]] = -np.inf
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def _sample(self, n, seed):
        rng = np.random.default_rng(seed)
        steps = np.cumsum(self._softmax(), axis=1)
        steps[np.arange(len(steps)), self.space.num_candidates - 1] = 1.0
        drawn = rng.random((n, len(steps), 1))
        return np.sum(steps <= drawn, axis=2).astype(np.int32)

    def _learn(self, architectures, rewards):
        self._build()
        norms = []
        for chunk in chunks(len(rewards), self.samples_per_update):
            norms.append(self._update(architectures[chunk], rewards[chunk]))
        return {"baseline": self._baseline, "gradient_norm": float(np.mean(norms))}

    def _update(self, architectures, rewards):
        """One step up `mean_i (R_i - b) grad log pi(a_i)`; returns the gradient's norm."""
        baseline = rewards.mean() if np.isnan(self._baseline) else self._baseline
        advantages = rewards - baseline
        decay = self.baseline_decay ** len(rewards)
        self._baseline = float(decay * baseline + (1 - decay) * rewards.mean())
        self._num_learned += len(rewards)
        p = self._softmax()
        chosen = np.eye(p.shape[1])[architectures]
        # Of a softmax: grad log pi(a) = onehot(a) - p.
        gradient = -np.mean(advantages[:, None, None] * (chosen - p), axis=0)
        if self._num_learned > self.warmup_samples:
            self._descend(gradient)
        return float(np.linalg.norm(gradient))

    def _descend(self, gradient):
        """A step of Adam (Kingma and Ba 2015, algorithm 1).

        In NumPy: one of Keras's takes 50 ms outside of a traced function, this a tenth of one.
        """
        self._num_steps += 1
        self._first = BETA_1 * self._first + (1 - BETA_1) * gradient
        self._second = BETA_2 * self._second + (1 - BETA_2) * gradient**2
        mean = self._first / (1 - BETA_1**self._num_steps)
        deviation = np.sqrt(self._second / (1 - BETA_2**self._num_steps))
        self._logits = self._logits - self.learning_rate * mean / (deviation + EPSILON)

    def probabilities(self):
        self._require_space()
        rows = zip(self.space, self._softmax(), strict=True)
        return {decision.name: row[: len(decision.candidates)] for decision, row in rows}

    def _get_learned(self):
        self._build()
        return {
            "logits": self._logits,
            "first_moment": self._first,
            "second_moment": self._second,
            "num_steps": np.int64(self._num_steps),
            "baseline": np.float64(self._baseline),
            "num_learned": np.int64(self._num_learned),
        }

    def _set_learned(self, arrays):
        own = self._get_learned()
        checks.check_learned(arrays, own, fixed=own)
        self._logits, self._first, self._second = (
            np.array(arrays[name], np.float64)
            for name in ("logits", "first_moment", "second_moment")
        )
        self._baseline = float(arrays["baseline"])
        self._num_steps, self._num_learned = int(arrays["num_steps"]), int(arrays["num_learned"])
