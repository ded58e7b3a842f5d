"""What a round of a search does and what is kept of it."""

import numpy as np
from keras_tuner.errors import FailedTrialError

from keras_enas.tuner import collapse, state
from keras_enas.tuner import round as rounds


def record_of_round(tuner, fit, number):
    """Runs one round; see `round.py` for the algorithm.

    Args:
        tuner: An `ENASTuner` that is searching.
        fit: Callable like `supergraph.fit`.
        number: Integer, the round, from 0.

    Returns:
        Dict, JSON-serialisable: the architecture that was derived, its score, and
        what the shared weights and the oracle did.

    Raises:
        FailedTrialError: If the round must not be learned from.
    """
    supergraph, settings = tuner.supergraph, tuner.settings
    oracle = tuner.resources.limited(tuner.oracle)
    training, validation = tuner.search_data
    metrics = rounds.shared_weight_phase(supergraph, oracle, fit, training, settings, number)
    _check_finite(supergraph, metrics, number)
    learned = oracle.diagnostics()
    if number >= settings.warmup_rounds and settings.controller_updates:
        rng = np.random.default_rng((oracle.seed, number))
        learned = rounds.controller_phase(oracle, tuner.judge, validation, settings, rng)
    samples = oracle.sample(settings.derive_samples)
    derived = rounds.derive(tuner.judge, validation, samples, settings.derive_batches)
    if not derived:
        raise FailedTrialError(
            f"Round {number} is not learned from: no sampled architecture has a finite score."
        )
    indices, score = derived[0]
    probabilities = learned.pop("probabilities", {})
    architecture = tuner.space.architecture(indices)
    watched = collapse.watch(supergraph, probabilities, architecture, learned.get("entropy"))
    learned = {f"controller_{name}": value for name, value in learned.items()}
    alarms = collapse.check(tuner, number, watched, learned)
    return {
        # First, so that a metric of the model named as one of ours does not take its place.
        **metrics,
        "round": number,
        "objective": oracle.objective.name,
        "architecture": str(architecture),
        "derived": score.objective,
        "deviation": score.deviation,
        "score": score.reward,
        **tuner.resources.of_round(indices),
        **learned,
        **watched.to_dict(),
        "alarms": alarms,
        "probabilities": {k: [float(p) for p in v] for k, v in probabilities.items()},
    }


def _check_finite(supergraph, metrics, number):
    if not all(np.isfinite(value) for value in metrics.values()) or not state.is_finite(supergraph):
        raise FailedTrialError(
            f"Round {number} is not learned from: the loss or a shared weight is NaN or "
            f"infinite ({metrics})."
        )
