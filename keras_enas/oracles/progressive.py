"""Progressive search: a surrogate of the reward, and decisions opened stage by stage."""

import warnings

import numpy as np

from keras_enas.oracles import checks
from keras_enas.oracles.oracle import SearchOracle

# How many random ways of making the decisions that are left a prefix is judged by.
COMPLETIONS = 8
# By what share of itself what the surrogate knows has to grow before it is fitted anew.
GROWTH = 0.1


class ProgressiveOracle(SearchOracle):
    """Progressive NAS (PNAS), Liu et al. 2018, https://arxiv.org/abs/1712.00559.

    A surrogate learns to predict rewards from architectures. The first stage opens the
    first block of decisions (a node of a cell, a layer), every further stage one block more.
    Of the open decisions the `beam_size` best ways to make them are found with the
    surrogate, decision by decision from the first (a beam search), and samples are
    drawn from these. After the last block the stages go on with all decisions open.

    The surrogate is an ensemble of five small networks (the paper's MLP-ensemble) on
    the candidates as indicators, fitted to the ranks of the rewards, so that broken
    architectures do not outweigh the differences between good ones. It comes from
    scikit-learn.

    What departs from the paper: an architecture of a hypermodel always has all its decisions, so
    those not open yet are made at random, or as in `simplest`, where the space has a
    simplest architecture. Stages count what has been learned and never wait for what
    is still being trained: with workers nobody is idle between two stages. The
    surrogate is fitted anew on all it remembers instead of being trained on. Beams begin
    at the first decision each time, so that an early choice may be revised.

    Args:
        objective: As in `keras_tuner.Oracle`.
        max_trials: Integer, the most trials to run.
        beam_size: Integer, K of the paper (256).
        samples_per_stage: Integer, learned samples after which a stage ends, at the next
            fit of the surrogate (paper: K).
        samples_per_fit: Integer, after how many learned samples the surrogate is fitted
            anew; later after a tenth of what it knows, if that is more.
        simplest: Optional `Architecture`, or its text: what decisions are that are
            not open yet. None makes them at random.
        surrogate: Optional scikit-learn regressor in place of the ensemble; it is
            cloned, and deterministic if it has a `random_state`.
        memory: Integer, from how many of the last samples the surrogate learns.
        seed: Optional integer. 0 is a seed; None draws one.
        **kwargs: As in `SearchOracle`.

    Raises:
        ValueError: If an argument is of no use; the message names it.
    """

    def __init__(
        self,
        objective=None,
        max_trials=100,
        beam_size=32,
        samples_per_stage=10,
        samples_per_fit=10,
        simplest=None,
        surrogate=None,
        memory=1000,
        seed=None,
        **kwargs,
    ):
        for name, value in (
            ("beam_size", beam_size),
            ("samples_per_stage", samples_per_stage),
            ("samples_per_fit", samples_per_fit),
            ("memory", memory),
        ):
            checks.check_integer(name, value, 1)
        if surrogate is not None and not hasattr(surrogate, "fit"):
            raise ValueError(
                "`surrogate` must be a scikit-learn regressor, such as "
                f"`RandomForestRegressor(random_state=0)`. Received: surrogate={surrogate!r}."
            )
        self._surrogate = default_surrogate() if surrogate is None else surrogate
        super().__init__(objective=objective, max_trials=max_trials, seed=seed, **kwargs)
        self.beam_size, self.samples_per_stage = beam_size, samples_per_stage
        self.samples_per_fit, self.memory = samples_per_fit, memory
        self._simplest = simplest
        self._seen, self._rewards = None, np.zeros(0)
        self._num_learned = 0
        # What follows from what was learned, and how many samples that was.
        self._beam, self._beam_after = None, None

    def set_space(self, space):
        super().set_space(space)
        self._closed()

    def _closed(self):
        """What decisions are that are not open, int32 `(decisions,)`, or None if any."""
        if self._simplest is None:
            return None
        text = str(self._simplest)
        try:
            return np.array(self.space.parse(text).indices, np.int32)
        except ValueError as error:
            raise ValueError(f"`simplest` is not of this space. {error}") from None

    @property
    def num_open(self):
        """How many decisions are open, from the first."""
        stage = self._num_fitted() // self.samples_per_stage
        block = self.space.blocks[min(stage, len(self.space.blocks) - 1)]
        return block[-1][1]

    def _num_fitted(self):
        """How many of the learned samples the surrogate knows."""
        fitted = following = 0
        while following <= self._num_learned:
            fitted = following
            following += max(self.samples_per_fit, int(GROWTH * fitted))
        return fitted

    def _sample(self, n, seed):
        rng = np.random.default_rng(seed)
        drawn = self.space.random(n, rng)
        if self._closed() is not None:
            drawn[:, self.num_open :] = self._closed()[self.num_open :]
        if self._num_fitted() < 2:
            return drawn
        beam = self._best_prefixes()
        drawn[:, : beam.shape[1]] = beam[rng.integers(len(beam), size=n)]
        return drawn

    def _learn(self, architectures, rewards):
        if self._seen is None:
            self._seen = np.zeros((0, len(self.space)), np.int32)
        self._num_learned += len(rewards)
        # And those that wait for the next fit.
        kept = self.memory + self._num_learned - self._num_fitted()
        self._seen = np.concatenate([self._seen, architectures])[-kept:]
        self._rewards = np.concatenate([self._rewards, rewards])[-kept:]
        return {"num_open": self.num_open}

    def _best_prefixes(self):
        """The beam of the open decisions, best first, int32 `(beam, open)`."""
        if self._beam_after != self._num_fitted():
            waiting = self._num_learned - self._num_fitted()
            seen = self._seen[: len(self._seen) - waiting][-self.memory :]
            rewards = self._rewards[: len(self._rewards) - waiting][-self.memory :]
            surrogate = fitted(
                self._surrogate, indicators(seen, self.space.num_candidates), ranks(rewards)
            )
            self._beam = self._search(surrogate)
            self._beam_after = self._num_fitted()
        return self._beam

    def _search(self, surrogate):
        rng = np.random.default_rng((self.seed, self._num_fitted()))
        fill = self.space.random(COMPLETIONS, rng)
        num_open = self.num_open
        if self._closed() is not None:
            fill[:, num_open:] = self._closed()[num_open:]
        beam = np.zeros((1, 0), np.int32)
        for i in range(num_open):
            width = int(self.space.num_candidates[i])
            tails = np.tile(np.arange(width, dtype=np.int32), len(beam))[:, None]
            beam = np.concatenate([np.repeat(beam, width, axis=0), tails], axis=1)
            # The same completions for all, so that they differ by the prefix alone.
            rest = np.unique(fill[:, i + 1 :], axis=0)
            whole = np.concatenate(
                [np.repeat(beam, len(rest), axis=0), np.tile(rest, (len(beam), 1))], axis=1
            )
            expected = surrogate.predict(indicators(whole, self.space.num_candidates))
            order = np.argsort(-expected.reshape(len(beam), -1).mean(axis=1), kind="stable")
            beam = beam[order[: self.beam_size]]
        return beam

    def most_likely(self):
        """The best of the beam; decisions that are not open as in `simplest`, or their first."""
        self._require_space()
        found = self._closed()
        found = np.zeros(len(self.space), np.int32) if found is None else found
        if self._num_fitted() >= 2:
            best = self._best_prefixes()[0]
            found[: len(best)] = best
        return found

    def _get_learned(self):
        seen = np.zeros((0, len(self.space)), np.int32) if self._seen is None else self._seen
        return {"num_learned": np.int64(self._num_learned), "seen": seen, "rewards": self._rewards}

    def _set_learned(self, arrays):
        checks.check_learned(arrays, self._get_learned(), fixed=("num_learned",))
        seen, rewards = checks.checked_samples(self.space, arrays["seen"], arrays["rewards"])
        self._seen = seen if len(seen) else None
        self._rewards, self._num_learned = rewards, int(arrays["num_learned"])
        self._beam, self._beam_after = None, None


def indicators(architectures, num_candidates):
    """Returns float `(n, sum of candidates)`: 1 for what was chosen, 0 for the rest.

    Args:
        architectures: int array `(n, decisions)`.
        num_candidates: int array `(decisions,)`.
    """
    starts = np.cumsum(num_candidates) - num_candidates
    found = np.zeros((len(architectures), int(np.sum(num_candidates))))
    np.put_along_axis(found, architectures + starts, 1.0, axis=1)
    return found


def ranks(rewards):
    """Returns ranks of rewards, spread over -1 to 1; equal rewards have equal ranks."""
    _, places, counts = np.unique(rewards, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    return 2 * (middle[places] - 0.5) / len(rewards) - 1


def fitted(surrogate, x, y):
    """Returns a fitted copy of a scikit-learn regressor."""
    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Stopped early on purpose: it is to rank what it has not seen.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clone(surrogate).fit(x, y)


def default_surrogate():
    """Five small networks that differ by their initial weights, averaged."""
    # scikit-learn takes a second to import.
    from sklearn.ensemble import VotingRegressor
    from sklearn.neural_network import MLPRegressor

    networks = [
        MLPRegressor(
            hidden_layer_sizes=(30,),
            alpha=0.01,
            learning_rate_init=0.02,
            max_iter=200,
            random_state=i,
        )
        for i in range(5)
    ]
    return VotingRegressor([(f"network_{i}", network) for i, network in enumerate(networks)])
