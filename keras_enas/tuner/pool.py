"""The architectures that may get a training of their own, and what is known of each."""

import dataclasses

import numpy as np
from scipy.stats import rankdata

from keras_enas.tuner import results
from keras_enas.tuner import round as rounds
from keras_enas.tuner.neighbourhood import neighbours, swaps

# How many are looked at for each that is wanted: costs may have to be measured.
TRIES = 20


class Pool:
    """Architectures with their shared-weight scores and, if asked for, a prior.

    Args:
        tuner: An `ENASTuner` that has searched in this process.
        validation: `ValidationData`, on which scores are taken.
        found: List of `FoundArchitecture`, which were scored.
        prior: Optional string, the name of a training-free score.
        tolerance: Optional float in place of the tuner's `cost_tolerance`.

    Attributes:
        found: List of `FoundArchitecture`; `add` appends to it.
        indices: List of their indices `(decisions,)`, in the same order.
        columns: List of what is known of each, a list of floats: the reward of its
            shared-weight score without its cost, which has been attended to, and the
            prior. Higher is more promising.
    """

    def __init__(self, tuner, validation, found, prior=None, tolerance=None):
        self._tuner = tuner
        self._validation = validation
        self._prior = prior
        self._prior_of = None
        self._tolerance = tolerance
        self.found, self.indices, self.columns = [], [], []
        self._places = {}
        self._append(found)

    def add(self, architectures):
        """Scores further architectures, in their simplest form, that are not in the pool.

        Args:
            architectures: List of indices `(decisions,)`.

        Returns:
            List of their places in the pool, None for one that may not be derived.
        """
        accepts = self._tuner.resources.accepts
        simple = [self._tuner.simplest(one) for one in architectures]
        new = [one for one in dict.fromkeys(simple) if one not in self._places]
        accepted = [one for one in new if accepts(one, self._tolerance)]
        scored = rounds.derive(self._tuner.judge, self._validation, accepted)
        self._append(found_of(self._tuner, scored))
        return [self._places.get(one) for one in simple]

    def promise(self):
        """Floats `(n,)`: the mean, over the columns, of an architecture's rank in it."""
        return mean_ranks(self.columns)

    def climb(self, n, parents=8):
        """Adds up to `n` of those around the most promising, the best one's first.

        What may not be derived, such as what costs too much, is passed over. It ends before where
        there is none around the best `parents` that was not tried, or after `TRIES` for each.
        """
        tried, wanted, left = set(self.indices), len(self.found) + n, TRIES * n
        while len(self.found) < wanted and left > 0:
            best = np.argsort(-self.promise(), kind="stable")[:parents]
            around = (self._simplest_around(self.indices[i]) for i in best)
            new = next(filter(None, ([one for one in a if one not in tried] for a in around)), [])
            if not new:
                break
            new = new[: min(wanted - len(self.found), left)]
            self.add(new)
            tried.update(new)
            left -= len(new)

    def around(self, indices):
        """Yields the neighbours of an architecture; if its cost is minded, what costs alike, too.

        Near to a target or within narrow limits few neighbours may be derived, and what may be
        need not be connected by them.

        Args:
            indices: Tuple of integers `(decisions,)`.

        Yields:
            Tuples of integers `(decisions,)`, not in their simplest form.
        """
        space = self._tuner.space
        yield from neighbours(space, indices)
        if self._tuner.resources.asked:
            yield from swaps(space, indices)

    def _simplest_around(self, indices):
        return dict.fromkeys(self._tuner.simplest(one) for one in self.around(indices))

    def rewards(self):
        """Floats `(n,)`: the rewards of the shared-weight scores without the cost."""
        return np.array([column[0] for column in self.columns])

    def known(self, i):
        """The `FoundArchitecture` at a place, with its prior if there is one."""
        _, *prior = self.columns[i]
        prior = prior[0] if prior and np.isfinite(prior[0]) else None
        return dataclasses.replace(self.found[i], prior=prior)

    def _append(self, found):
        priors = self._priors([one.architecture for one in found])
        penalty = self._tuner.resources.penalty
        self.columns += [
            [one.score.reward - penalty(one.architecture.indices), *prior]
            for one, prior in zip(found, priors, strict=True)
        ]
        for one in found:
            self._places[one.architecture.indices] = len(self.indices)
            self.indices.append(one.architecture.indices)
        self.found += found

    def _priors(self, architectures):
        if self._prior is None:
            return [[]] * len(architectures)
        if self._prior_of is None:
            # Only those who ask for it need the room.
            from keras_enas.training_free import scores_of

            batch = self._tuner.search_data[0].one_batch()
            self._prior_of = scores_of(self._tuner, batch, self._prior)
        return [[score] for score in self._prior_of(architectures)]


def found_of(tuner, scored):
    """Makes `FoundArchitecture`s of pairs of indices and `Score`, with what they cost."""
    costs = tuner.resources.costs([indices for indices, _ in scored])
    return [
        results.FoundArchitecture(tuner.space.architecture(indices), score, cost=cost)
        for (indices, score), cost in zip(scored, costs, strict=True)
    ]


def mean_ranks(columns, weights=None):
    """Floats `(n,)`: the mean over the columns of ranks in them, the highest value's 0, then -1.

    Equals share the mean of their ranks, and what is no number counts as minus infinity.

    Args:
        columns: Numbers `(n, columns)`, higher is better.
        weights: Optional sequence of what each column counts; default: alike.
    """
    values = np.asarray(columns, float)
    values = np.where(np.isnan(values), -np.inf, values)
    return 1.0 - np.average(rankdata(-values, axis=0), axis=1, weights=weights)
