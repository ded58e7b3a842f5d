"""Q-learning along the chain of decisions."""

import numpy as np

from keras_enas.oracles import chain, checks
from keras_enas.oracles.oracle import SearchOracle

# (epsilon, for how many samples); in about the shares of MetaQNN, which trained 2,700 networks.
EPSILON_SCHEDULE = ((1.0, 30), *((round(0.9 - 0.1 * i, 1), 5) for i in range(8)), (0.1, 1))


class QLearningOracle(SearchOracle):
    """MetaQNN, Baker et al. 2017, https://arxiv.org/abs/1611.02167.

    An agent makes decision after decision, with probability epsilon any of the candidates and
    otherwise one with the greatest Q-value. After every sample trajectories are
    replayed, last decision first (equation 3 of the paper, discount 1):
    `Q(s, a) += learning_rate * (r + max_b Q(s', b) - Q(s, a))`.

    What departs from the paper: the state of a decision is its position and what
    was chosen just before, not all that was chosen, for of 15 decisions hardly
    any prefix would be visited twice. Then the value of the state that follows does not tell what
    came earlier, and a reward at the end alone would only teach the last two
    decisions; so each decision earns the same share of it, `r_t = r / decisions`, as in
    BlockQNN (Zhong et al. 2018, https://arxiv.org/abs/1708.05552). Q-values begin at
    the mean of the first rewards (released code: 0.5, about that of an average network). The
    learning rate is larger and the schedule shorter, for hundreds of trials instead of thousands.

    Args:
        objective: As in `keras_tuner.Oracle`.
        max_trials: Integer, the most trials to run.
        epsilon_schedule: Pairs of epsilon and for how many learned samples it
            holds; the last one holds on. The paper's: 1.0 for 1,500, 0.9, 0.8 and 0.7 for 100
            each, 0.6 to 0.1 for 150 each.
        learning_rate: Float in `(0, 1]` (paper: 0.01).
        replays: Integer, trajectories replayed for each sample learned (released code: 128).
        memory: Integer, how many samples are remembered for it.
        seed: Optional integer. 0 is a seed; None draws one.
        **kwargs: As in `SearchOracle`.

    Raises:
        ValueError: If an argument is out of its range; the message names it.
    """

    def __init__(
        self,
        objective=None,
        max_trials=100,
        epsilon_schedule=EPSILON_SCHEDULE,
        learning_rate=0.1,
        replays=32,
        memory=1000,
        seed=None,
        **kwargs,
    ):
        self.epsilon_schedule = checked_schedule(epsilon_schedule)
        checks.check_number("learning_rate", learning_rate, 0, 1, above=True)
        checks.check_integer("replays", replays, 1)
        checks.check_integer("memory", memory, 1)
        super().__init__(objective=objective, max_trials=max_trials, seed=seed, **kwargs)
        self.learning_rate, self.replays, self.memory = learning_rate, replays, memory
        self._values = None
        self._num_learned = 0
        self._seen, self._rewards = None, np.zeros(0)

    @property
    def epsilon(self):
        """The share of decisions made at random, after what was learned so far."""
        ends = np.cumsum([samples for _, samples in self.epsilon_schedule])
        place = int(np.searchsorted(ends, self._num_learned, side="right"))
        return self.epsilon_schedule[min(place, len(ends) - 1)][0]

    def _policy(self):
        candidates = chain.mask(self.space.num_candidates)
        width = candidates.shape[2]
        values = np.zeros((len(self.space), width, width)) if self._values is None else self._values
        values = np.where(candidates, values, -np.inf)
        best = values == values.max(axis=2, keepdims=True)
        any_of = candidates / candidates.sum(axis=2, keepdims=True)
        best = best / best.sum(axis=2, keepdims=True)
        return self.epsilon * any_of + (1 - self.epsilon) * best

    def _sample(self, n, seed):
        return chain.walk(self._policy(), n, np.random.default_rng(seed))

    def _learn(self, architectures, rewards):
        if self._values is None:
            # What is expected from here to the end: the shares of the decisions that are left.
            left = np.arange(len(self.space), 0, -1) / len(self.space)
            width = int(self.space.num_candidates.max())
            self._values = np.ones((1, width, width)) * left[:, None, None] * rewards.mean()
            self._seen = np.zeros((0, len(self.space)), np.int32)
        self._seen = np.concatenate([self._seen, architectures])[-self.memory :]
        self._rewards = np.concatenate([self._rewards, rewards])[-self.memory :]
        self._num_learned += len(rewards)
        rng = np.random.default_rng((self.seed, self._num_learned))
        # Batches, not one by one: thousands of replays in a few array operations.
        for size in [self.replays] * len(rewards):
            drawn = rng.integers(len(self._rewards), size=size)
            self._replay(self._seen[drawn], self._rewards[drawn])
        return {"epsilon": self.epsilon}

    def _replay(self, architectures, rewards):
        """Equation 3 for a batch of trajectories, from the last decision to the first."""
        values, befores = self._values, chain.previous(architectures)
        share, following = rewards / len(self.space), np.zeros(len(rewards))
        for i in reversed(range(len(self.space))):
            k = len(self.space.decisions[i].candidates)
            before, chosen = befores[:, i], architectures[:, i]
            target = np.zeros(values.shape[1:])
            visits = np.zeros(values.shape[1:])
            np.add.at(target, (before, chosen), share + following)
            np.add.at(visits, (before, chosen), 1.0)
            # v visits in a row with one target: what is left of the old value is (1 - rate)^v.
            weight = 1 - (1 - self.learning_rate) ** visits
            values[i] += weight * (target / np.maximum(visits, 1) - values[i])
            following = values[i, before, :k].max(axis=1)

    def most_likely(self):
        """Where the greatest Q-values lead."""
        self._require_space()
        if self._values is None:
            return np.zeros(len(self.space), np.int32)
        candidates = chain.mask(self.space.num_candidates)
        return chain.greedy(np.where(candidates, self._values, -np.inf))

    def probabilities(self):
        self._require_space()
        found = zip(self.space, chain.marginals(self._policy()), strict=True)
        return {decision.name: p[: len(decision.candidates)] for decision, p in found}

    def _get_learned(self):
        width = int(self.space.num_candidates.max())
        begun = self._values is not None
        shape = (len(self.space), width, width)
        return {
            "values": self._values.copy() if begun else np.full(shape, np.nan),
            "num_learned": np.int64(self._num_learned),
            "seen": self._seen if begun else np.zeros((0, len(self.space)), np.int32),
            "rewards": self._rewards,
        }

    def _set_learned(self, arrays):
        checks.check_learned(arrays, self._get_learned(), fixed=("values", "num_learned"))
        seen, rewards = checks.checked_samples(self.space, arrays["seen"], arrays["rewards"])
        begun = int(arrays["num_learned"]) > 0
        self._values = np.array(arrays["values"], np.float64) if begun else None
        self._seen = seen if begun else None
        self._rewards, self._num_learned = rewards, int(arrays["num_learned"])


def checked_schedule(schedule):
    """Returns `((epsilon, samples), ...)`, or raises `ValueError`."""
    try:
        pairs = tuple((float(epsilon), int(samples)) for epsilon, samples in schedule)
    except (TypeError, ValueError):
        pairs = ()
    if not pairs or not all(0 <= epsilon <= 1 and samples >= 1 for epsilon, samples in pairs):
        raise ValueError(
            "`epsilon_schedule` must be pairs of an epsilon in [0, 1] and a number of samples of "
            f"at least 1, such as [(1.0, 50), (0.1, 10)]. Received: epsilon_schedule={schedule!r}."
        )
    return pairs
