"""ENAS: an LSTM controller taught by REINFORCE."""

import warnings

import numpy as np

from keras_enas.controllers import Controller, ControllerSettings
from keras_enas.oracles.oracle import SearchOracle
from keras_enas.oracles.updates import chunks

# The policy has collapsed when its entropy is below this share of the uniform policy's although
# it has seen few samples for each decision, or earns no more than it did at the beginning.
COLLAPSED_SHARE = 0.1
EARLY_SAMPLES_PER_DECISION = 10
# An update that costs more than this share of the uniform policy's entropy is too large.
SUDDEN_SHARE = 0.2


class ENASOracle(SearchOracle):
    """The controller of ENAS (Pham et al. 2018, arXiv 1802.03268) as a KerasTuner oracle.

    `profile="paper"` is the published controller, `"released_code"` its
    released code's, `"default"` the one that measures best
    (benchmarks/README.md). `"paper_micro"` and `"released_code_micro"` are those
    of the search for convolutional cells, which start in favour of separable
    convolutions; `"paper_recurrent"` and `"released_code_recurrent"` those of the
    search for recurrent cells. Any argument of
    `keras_enas.controllers.ControllerSettings` changes one setting.

    Args:
        objective: As in `keras_tuner.Oracle`.
        max_trials: Integer, the most trials to run.
        profile: `"default"`, or one of the published ones above.
        seed: Optional integer. 0 is a seed; None draws one.
        hyperparameters: As in `keras_tuner.Oracle`.
        tune_new_entries: As in `keras_tuner.Oracle`.
        allow_new_entries: As in `keras_tuner.Oracle`.
        max_retries_per_trial: As in `keras_tuner.Oracle`.
        max_consecutive_failed_trials: As in `keras_tuner.Oracle`.
        worker_timeout: As in `SearchOracle`.
        **settings: Any argument of `ControllerSettings`.

    Raises:
        ValueError: If there is no such profile or setting, or one is out of its range; the
            message names it.
    """

    def __init__(
        self,
        objective=None,
        max_trials=100,
        profile="default",
        seed=None,
        hyperparameters=None,
        tune_new_entries=True,
        allow_new_entries=True,
        max_retries_per_trial=0,
        max_consecutive_failed_trials=3,
        worker_timeout=None,
        **settings,
    ):
        self.settings = ControllerSettings.from_profile(profile, **settings)
        self.profile = profile
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            samples_per_update=self.settings.samples_per_update,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            worker_timeout=worker_timeout,
        )
        self._controller = None
        self._num_learned = 0
        self._entropy = None
        # Mean and standard deviation of the rewards of the first update.
        self._first_rewards = np.full(2, np.nan)
        self._warned = set()

    @property
    def controller(self):
        """The `Controller`, built when it is first needed."""
        self._require_space()
        if self._controller is None:
            self._controller = Controller(self.space, self.settings, seed=self.seed)
        return self._controller

    def _sample(self, n, seed):
        return self.controller.sample(n, seed)

    def most_likely(self):
        return self.controller.most_likely()

    def probabilities(self):
        values = self.controller.probabilities()
        return {d.name: value for d, value in zip(self.space, values, strict=True)}

    def _learn(self, architectures, rewards):
        """One gradient update for every `samples_per_update` architectures.

        One sample says nothing about an advantage: it joins the update before,
        or waits for the next call.
        """
        waiting, earned = self._take_pending()
        architectures = np.concatenate([waiting, architectures])
        rewards = np.concatenate([earned, rewards])
        if len(rewards) < 2:
            self._pending = list(zip(architectures, rewards, strict=True))
            return {}
        results = []
        for chunk in chunks(len(rewards), self.samples_per_update):
            results.append(self.controller.learn(architectures[chunk], rewards[chunk]))
            self._num_learned += chunk.stop - chunk.start
            self._watch(results[-1]["entropy"], rewards[chunk])
        record = {name: float(np.mean([r[name] for r in results])) for name in results[0]}
        record["baseline"] = results[-1]["baseline"]
        record["entropy"] = results[-1]["entropy"]
        record["num_updates"] = len(results)
        return record

    def _watch(self, entropy, rewards):
        """Warns, once for each kind, when the policy stops exploring without a reason."""
        if np.isnan(self._first_rewards[0]):
            self._first_rewards = np.array([np.mean(rewards), np.std(rewards)])
        mean, deviation = self._first_rewards
        uniform = float(np.sum(np.log(self.space.num_candidates)))
        early = self._num_learned < EARLY_SAMPLES_PER_DECISION * len(self.space)
        no_better = np.mean(rewards) < mean + deviation
        if not np.isfinite(entropy):
            self._warn("broken", "The controller's logits are no longer finite.")
        # By rounds, the tuner says it, of any oracle.
        elif not self.by_rounds and entropy < COLLAPSED_SHARE * uniform and (early or no_better):
            self._warn(
                "collapse",
                f"The controller collapsed: after {self._num_learned} samples its entropy is "
                f"{entropy:.2f} of {uniform:.2f} nats, its mean reward {np.mean(rewards):.4g} "
                f"after {mean:.4g} at the beginning. It will hardly try anything new. Lower the "
                "learning rates or raise `entropy_weight`.",
            )
        elif self._entropy is not None and self._entropy - entropy > SUDDEN_SHARE * uniform:
            self._warn(
                "drop",
                f"The controller's entropy fell from {self._entropy:.2f} to {entropy:.2f} nats "
                "in one update. Lower the learning rates.",
            )
        self._entropy = entropy

    def _warn(self, kind, message):
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(message, stacklevel=5)

    def _get_learned(self):
        return {
            "num_learned": np.int64(self._num_learned),
            "first_rewards": self._first_rewards,
            **{f"controller/{k}": v for k, v in self.controller.get_arrays().items()},
        }

    def _set_learned(self, arrays):
        arrays = dict(arrays)
        own = {"num_learned": (), "first_rewards": (2,)}
        for name, shape in own.items():
            if name not in arrays or np.shape(arrays[name]) != shape:
                raise ValueError(f"`arrays['learned/{name}']` must have the shape {shape}.")
        self.controller.set_arrays(
            {k.removeprefix("controller/"): v for k, v in arrays.items() if k not in own}
        )
        self._num_learned = int(arrays["num_learned"])
        self._first_rewards = np.array(arrays["first_rewards"], np.float64)
