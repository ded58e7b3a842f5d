"""Regularised evolution: an ageing population, tournaments, one mutation a child."""

import numpy as np

from keras_enas.oracles import checks
from keras_enas.oracles.oracle import SearchOracle


class RegularizedEvolutionOracle(SearchOracle):
    """Regularised (ageing) evolution of Real et al. 2019, https://arxiv.org/abs/1802.01548.

    The population begins with random architectures. Then every architecture is
    the child of a tournament: of `sample_size` members of the population drawn
    with replacement (algorithm 1 of the paper) the best is the parent, and the
    child differs from it in one decision. What is learned joins the population
    and the oldest dies, however good it is: what is to stay must be found good
    again and again, which is what makes it bear noisy rewards and shared weights.

    As in the paper one of the kinds of mutation is drawn first, each alike, and
    then a decision of that kind: operations, inputs and skips are mutated equally
    often however many there are of each. A mutation always changes something.

    It never waits: with workers, or many samples at once, children come from the
    population as it is. A batch larger than the population enters as a whole,
    and tournaments grow in proportion, so that none of it is lost unseen.

    The published settings: population 100, sample 25 (Real et al., CIFAR-10, 20,000
    trials); population 10, sample 3 (the script of NAS-Bench-201,
    https://arxiv.org/abs/2001.00326, of about 100 trials).

    Args:
        objective: As in `keras_tuner.Oracle`.
        max_trials: Integer, the most trials to run.
        population_size: Integer, of at least 2.
        sample_size: Integer, members of a tournament, at most `population_size`.
        seed: Optional integer. 0 is a seed; None draws one.
        **kwargs: As in `SearchOracle`.

    Raises:
        ValueError: If an argument is out of its range; the message names it.
    """

    def __init__(
        self,
        objective=None,
        max_trials=100,
        population_size=30,
        sample_size=10,
        seed=None,
        **kwargs,
    ):
        checks.check_integer("population_size", population_size, 2)
        checks.check_integer("sample_size", sample_size, 1, most=population_size)
        super().__init__(objective=objective, max_trials=max_trials, seed=seed, **kwargs)
        self.population_size = population_size
        self.sample_size = sample_size
        # The population, oldest first, and what it earned.
        self._members = None
        self._rewards = np.zeros(0)

    def _sample(self, n, seed):
        rng = np.random.default_rng(seed)
        if self._is_beginning():
            return self.space.random(n, rng)
        alive = len(self._rewards)
        share = self.sample_size / self.population_size
        drawn = rng.integers(alive, size=(n, max(1, round(share * alive))))
        winners = drawn[np.arange(n), np.argmax(self._rewards[drawn], axis=1)]
        return mutated(self._members[winners], self.space, rng)

    def _learn(self, architectures, rewards):
        if self._members is not None:
            architectures = np.concatenate([self._members, architectures])
            batch, rewards = len(rewards), np.concatenate([self._rewards, rewards])
        else:
            batch = len(rewards)
        kept = max(self.population_size, batch)
        self._members, self._rewards = architectures[-kept:], rewards[-kept:]
        return {"population": len(self._rewards), "best_alive": float(self._rewards.max())}

    def _is_beginning(self):
        return len(self._rewards) < self.population_size

    def most_likely(self):
        """The best member of the population; the first candidates before there is one."""
        self._require_space()
        if self._members is None:
            return np.zeros(len(self.space), np.int32)
        return self._members[np.argmax(self._rewards)].copy()

    def probabilities(self):
        """How often the population has each candidate; who is not born yet is any of them."""
        self._require_space()
        missing = max(0, self.population_size - len(self._rewards))
        found = {}
        for i, decision in enumerate(self.space):
            width = len(decision.candidates)
            counts = np.full(width, missing / width)
            if self._members is not None:
                counts += np.bincount(self._members[:, i], minlength=width)
            found[decision.name] = counts / counts.sum()
        return found

    def _get_learned(self):
        members = self._members
        if members is None:
            members = np.zeros((0, len(self.space)), np.int32)
        return {"members": members, "rewards": self._rewards}

    def _set_learned(self, arrays):
        checks.check_learned(arrays, ("members", "rewards"))
        members, rewards = checks.checked_samples(self.space, arrays["members"], arrays["rewards"])
        self._members, self._rewards = members if len(members) else None, rewards


def mutated(architectures, space, rng):
    """Returns the architectures, each changed in one decision.

    Args:
        architectures: int32 array `(n, decisions)`.
        space: Their `SearchSpace`.
        rng: `numpy.random.Generator`.

    Returns:
        int32 array `(n, decisions)`. Decisions with a single candidate never
        change; in a space of such alone nothing does.
    """
    children = architectures.copy()
    kinds = {}
    for i, decision in enumerate(space):
        if len(decision.candidates) > 1:
            kinds.setdefault(decision.kind, []).append(i)
    if not kinds:
        return children
    kinds = list(kinds.values())
    n, rows = len(children), np.arange(len(children))
    kind = rng.integers(len(kinds), size=n)
    place = rng.random(n)
    where = np.array([kinds[k][int(p * len(kinds[k]))] for k, p in zip(kind, place, strict=True)])
    width = space.num_candidates[where]
    # A step of 1 to width - 1 around the candidates never comes back to where it began.
    steps = 1 + rng.integers(0, width - 1)
    children[rows, where] = (children[rows, where] + steps) % width
    return children
