"""Is the search collapsing? What is watched, and when it is an alarm.

Two things go wrong in a search with shared weights. Its policy may settle on operations without
weights, which look good before the others are trained: so the published ENAS ended on
NAS-Bench-201, with 54.30 % where 94.37 were to be had. And it may stop exploring before it has
learned anything.
"""

import dataclasses
import json
import math
import os
import warnings

import numpy as np

from keras_enas.oracles.enas import COLLAPSED_SHARE, EARLY_SAMPLES_PER_DECISION
from keras_enas.supergraph import OpSwitch, parts_of

# The first alarm: the policy has gone this part of the way from where it is at random to nothing
# but operations without weights. On NAS-Bench-201, and in the micro space of ENAS (three of five
# operations are), that is a share of 0.9. To earn more than at the beginning is no excuse here: a
# collapse is what the shared weights reward.
PARAMETER_FREE_EXCESS = 0.75
# The second: the entropy is below `COLLAPSED_SHARE` of the uniform policy's. An honest search comes
# there, too, in the end. But it has then seen enough samples for each decision, and earns more than
# its first samples did by more than their deviation. (`ENASOracle` watches the same where it drives
# another tuner than this one.)
# Of a round in which the oracle learned.
NEEDED = ("mean_reward", "reward_deviation", "num_samples")


@dataclasses.dataclass(frozen=True)
class Watch:
    """What is known of a round's policy, each a share of 1; NaN if there is no such thing.

    Args:
        sampled: Float, of the probability of operations, on those without weights.
        derived: Float, of the operations of the derived architecture.
        random: Float, of all candidates: what a uniform policy would have.
        entropy: Float, the policy's entropy as a share of the uniform policy's.
    """

    sampled: float
    derived: float
    random: float
    entropy: float

    def to_dict(self):
        """What `round.json` has of it; NaN becomes None, for JSON has no NaN."""
        content = {
            "parameter_free_share": self.sampled,
            "parameter_free_share_derived": self.derived,
            "parameter_free_share_at_random": self.random,
            "entropy_share": self.entropy,
        }
        return {name: value if math.isfinite(value) else None for name, value in content.items()}


class ParameterFree:
    """Which candidates have no weights, in a supergraph.

    Args:
        supergraph: A `Supergraph`.
    """

    def __init__(self, supergraph):
        found = {}
        for part, _ in parts_of(supergraph.network):
            if isinstance(part, OpSwitch):
                free = [not branch.trainable_variables for branch in part.branches]
                found.setdefault(part.decision.name, []).append(free)
        # A decision may have a switch in each of several cells, at some of which an operation has
        # weights to halve the image.
        shares = {name: np.mean(free, axis=0) for name, free in found.items()}
        # Decisions all of whose candidates are alike in this say nothing.
        self._free = {name: free for name, free in shares.items() if 0 < free.mean() < 1}
        self.random = _mean([free.mean() for free in self._free.values()])

    def of_probabilities(self, probabilities):
        """The share of the probability `{decision name: (candidates,)}` that is on these."""
        return _mean(
            [np.dot(probabilities[n], f) for n, f in self._free.items() if n in probabilities]
        )

    def of_architecture(self, architecture):
        """The share of an `Architecture`'s operations that are of these."""
        chosen = {
            decision.name: index
            for decision, index in zip(architecture.space, architecture.indices, strict=True)
        }
        return _mean([free[chosen[name]] for name, free in self._free.items()])


def watch(supergraph, probabilities, architecture, entropy=None):
    """Looks at a policy.

    Args:
        supergraph: A `Supergraph`.
        probabilities: Dict from decision name to probabilities of its candidates.
        architecture: The derived `Architecture`.
        entropy: Optional float, of the policy in nats; without it the sum of the
            decisions' own entropies is taken, which is no less.

    Returns:
        A `Watch`.
    """
    free = ParameterFree(supergraph)
    uniform = float(np.sum(np.log(supergraph.space.num_candidates)))
    if entropy is None and probabilities:
        entropy = sum(_entropy(p) for p in probabilities.values())
    return Watch(
        sampled=free.of_probabilities(probabilities),
        derived=free.of_architecture(architecture),
        random=free.random,
        entropy=math.nan if entropy is None or not uniform else float(entropy) / uniform,
    )


def alarms(watched, rounds, decisions):
    """What is wrong with a policy, in words.

    Args:
        watched: A `Watch`, after the last of the rounds.
        rounds: List of dicts, one for each round in which the oracle learned, with the
            `mean_reward` of its samples, their `reward_deviation` and `num_samples`.
        decisions: Integer, how many the space has.

    Returns:
        Dict from `"parameter_free"` and `"entropy"` to a sentence; empty if all is well,
        and as long as the oracle has not learned.
    """
    if not rounds:
        return {}
    found = {}
    # NaN, where there is nothing to watch, compares as false.
    excess = watched.sampled - watched.random
    if excess > PARAMETER_FREE_EXCESS * (1.0 - watched.random):
        found["parameter_free"] = (
            f"{watched.sampled:.0%} of the probability of operations is on those without weights "
            f"({watched.random:.0%} at random; {watched.derived:.0%} of the derived "
            "architecture's). The search is collapsing to an empty network: train the shared "
            "weights longer before the oracle learns (`warmup_rounds`)."
        )
    first, last = rounds[0], rounds[-1]
    samples = sum(one["num_samples"] for one in rounds)
    early = samples < EARLY_SAMPLES_PER_DECISION * decisions
    earns_more = last["mean_reward"] > first["mean_reward"] + first["reward_deviation"]
    if watched.entropy < COLLAPSED_SHARE and (early or not earns_more):
        found["entropy"] = (
            f"after {samples} samples the policy's entropy is {watched.entropy:.0%} of the uniform "
            f"policy's, and its mean reward {last['mean_reward']:.4g} after "
            f"{first['mean_reward']:.4g} at the beginning. It will hardly try anything new: lower "
            "the oracle's learning rates or raise its `entropy_weight`."
        )
    return found


def check(tuner, number, watched, learned):
    """Warns of what is wrong, each thing once in a search.

    Args:
        tuner: An `ENASTuner`.
        number: Integer, the round.
        watched: The `Watch` of the round.
        learned: Dict of what the oracle learned in it, as in `round.json`.

    Returns:
        Dict from the name of an alarm to a sentence, JSON-serialisable.
    """
    earlier = learned_rounds(tuner, number)
    rounds = [*earlier, learned] if "controller_reward_deviation" in learned else []
    found = alarms(
        watched,
        [{name: one[f"controller_{name}"] for name in NEEDED} for one in rounds],
        len(tuner.space),
    )
    known = {name for one in earlier for name in one["alarms"]}
    for name, text in found.items():
        if name not in known:
            warnings.warn(f"Round {number}: {text} (Said once.)", stacklevel=2)
    return found


def learned_rounds(tuner, number):
    """What is on disk of the rounds before `number` in which the oracle learned, oldest first.

    Returns:
        List of the contents of their `round.json`.
    """
    found = []
    for trial_id in tuner.oracle.end_order:
        path = os.path.join(tuner.get_trial_dir(trial_id), "round.json")
        if int(trial_id) < number and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                found.append(json.load(file))
    return [one for one in found if "controller_reward_deviation" in one]


def _entropy(probabilities):
    p = np.asarray(probabilities, float)
    return float(-np.sum(p[p > 0] * np.log(p[p > 0])))


def _mean(values):
    return float(np.mean(values)) if len(values) else math.nan
