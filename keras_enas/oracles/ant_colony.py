"""Ant colony system: pheromones on the way from one decision to the next."""

import numpy as np

from keras_enas.oracles import chain, checks
from keras_enas.oracles.oracle import SearchOracle


class AntColonyOracle(SearchOracle):
    """DeepSwarm, Byla and Pang 2019, https://arxiv.org/abs/1905.07350.

    An ant walks from decision to decision. A trail of pheromone lies between
    every candidate and every candidate of the decision before. The rule is that of the
    ant colony system (Dorigo and Gambardella 1997): with
    probability `greediness` (q0) the candidate with the strongest trail, otherwise one in
    proportion to the trails. Where an ant went the trail fades towards its `start`
    (local update, `decay`), so that ants of one colony walk differently; after every
    `ants` ants the way of the best ant so far is strengthened (global update,
    `evaporation`).

    What departs from DeepSwarm: every ant walks the whole space from the beginning,
    for an architecture of a hypermodel has all its decisions (DeepSwarm deepens its graph
    step by step); the best way is given 1 and not its accuracy, so that a reward
    may be a loss or anything else; the best ant is forgotten after `memory` others.

    Args:
        objective: As in `keras_tuner.Oracle`.
        max_trials: Integer, the most trials to run.
        ants: Integer, ants of a colony.
        greediness: Float in `[0, 1]`.
        decay: Float in `[0, 1]`, of the local update.
        evaporation: Float in `[0, 1]`, of the global update.
        start: Float in `(0, 1]`, pheromone of a trail at the beginning.
        memory: Integer, how many ants may pass before the best of them is forgotten.
        seed: Optional integer. 0 is a seed; None draws one.
        **kwargs: As in `SearchOracle`.

    Raises:
        ValueError: If an argument is out of its range; the message names it.
    """

    def __init__(
        self,
        objective=None,
        max_trials=100,
        ants=8,
        greediness=0.5,
        decay=0.1,
        evaporation=0.1,
        start=0.1,
        memory=200,
        seed=None,
        **kwargs,
    ):
        checks.check_integer("ants", ants, 1)
        checks.check_number("greediness", greediness, 0, 1)
        checks.check_number("decay", decay, 0, 1)
        checks.check_number("evaporation", evaporation, 0, 1)
        checks.check_number("start", start, 0, 1, above=True)
        checks.check_integer("memory", memory, 1)
        super().__init__(objective=objective, max_trials=max_trials, seed=seed, **kwargs)
        self.ants, self.greediness = ants, greediness
        self.decay, self.evaporation, self.start = decay, evaporation, start
        self.memory = memory
        self._trails = None
        self._num_learned = 0
        # The ants that may be the best: newest last, each better than all that came after it.
        self._ways = None
        self._rewards, self._born = np.zeros(0), np.zeros(0, np.int64)

    @property
    def trails(self):
        """Pheromones, float `(decisions, candidates before, candidates)`."""
        if self._trails is None:
            width = int(self.space.num_candidates.max())
            candidates = chain.mask(self.space.num_candidates)
            self._trails = np.where(candidates, self.start, 0.0).repeat(width, axis=1)
        return self._trails

    def _sample(self, n, seed):
        """Colonies of `ants` ants each, which know nothing of each other."""
        rng = np.random.default_rng(seed)
        ants = min(self.ants, n)
        colonies = -(-n // ants)
        rows = np.arange(colonies)
        trails = np.repeat(self.trails[None], colonies, axis=0)
        ways = np.zeros((colonies, ants, len(self.space)), np.int32)
        for ant in range(ants):
            before = np.zeros(colonies, np.int32)
            for i in range(len(self.space)):
                seen = trails[rows, i, before]
                # Equal trails are alike: one of the strongest by chance.
                tied = (seen == seen.max(axis=1, keepdims=True)).astype(float)
                is_greedy = rng.random((colonies, 1)) < self.greediness
                chosen = chain.roulette(np.where(is_greedy, tied, seen), rng)
                trails[rows, i, before, chosen] += self.decay * (
                    self.start - trails[rows, i, before, chosen]
                )
                before = ways[:, ant, i] = chosen
        return ways.reshape(-1, len(self.space))[:n]

    def _learn(self, architectures, rewards):
        trails, places = self.trails, np.arange(len(self.space))
        befores = chain.previous(architectures)
        for way, before, reward in zip(architectures, befores, rewards, strict=True):
            trails[places, before, way] += self.decay * (self.start - trails[places, before, way])
            self._num_learned += 1
            self._remember(way, reward)
            if self._num_learned % self.ants == 0:
                best = self._ways[:1]
                before, best = chain.previous(best)[0], best[0]
                trails[places, before, best] += self.evaporation * (
                    1.0 - trails[places, before, best]
                )
        return {"best_remembered": float(self._rewards[0])}

    def _remember(self, way, reward):
        """Keeps the best ants of the last `memory`, best first."""
        if self._ways is None:
            self._ways = np.zeros((0, len(self.space)), np.int32)
        kept = (self._rewards > reward) & (self._born > self._num_learned - self.memory)
        self._ways = np.concatenate([self._ways[kept], way[None]])
        self._rewards = np.append(self._rewards[kept], reward)
        self._born = np.append(self._born[kept], self._num_learned)

    def _policy(self):
        trails = self.trails
        strongest = trails.max(axis=2, keepdims=True)
        greedy = (trails == strongest) & chain.mask(self.space.num_candidates)
        shares = trails / trails.sum(axis=2, keepdims=True)
        return (
            self.greediness * greedy / greedy.sum(axis=2, keepdims=True)
            + (1 - self.greediness) * shares
        )

    def most_likely(self):
        """Where the strongest trails lead."""
        self._require_space()
        return chain.greedy(self.trails)

    def probabilities(self):
        """Those of the first ant of a colony."""
        self._require_space()
        found = zip(self.space, chain.marginals(self._policy()), strict=True)
        return {decision.name: p[: len(decision.candidates)] for decision, p in found}

    def _get_learned(self):
        ways = np.zeros((0, len(self.space)), np.int32) if self._ways is None else self._ways
        return {
            "trails": self.trails.copy(),
            "num_learned": np.int64(self._num_learned),
            "ways": ways,
            "rewards": self._rewards,
            "born": self._born,
        }

    def _set_learned(self, arrays):
        checks.check_learned(arrays, self._get_learned(), fixed=("trails", "num_learned"))
        ways, rewards = checks.checked_samples(self.space, arrays["ways"], arrays["rewards"])
        if arrays["born"].shape != rewards.shape:
            raise ValueError(f"`arrays['learned/born']` must have the shape {rewards.shape}.")
        self._trails = np.array(arrays["trails"], np.float64)
        self._num_learned = int(arrays["num_learned"])
        self._ways = ways if len(ways) else None
        self._rewards, self._born = rewards, np.array(arrays["born"], np.int64)
