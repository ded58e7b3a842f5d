"""How well one figure ranks what another one measures, and how sure that is."""

import dataclasses
import math
import warnings

import numpy as np
from scipy import stats

RESAMPLES = 1000
LEVEL = 0.95
# A correlation of one or two pairs says nothing.
LEAST = 3


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A figure with its bootstrap interval.

    Args:
        value: Float; NaN if it is not defined.
        low: Float, where the 95 % interval begins.
        high: Float, where it ends.
    """

    value: float
    low: float
    high: float

    def __str__(self):
        if not math.isfinite(self.value):
            return "-"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def kendall_tau(predicted, true):
    """Kendall's tau-b of two arrays `(n,)`; NaN if one of them is constant."""
    if _is_constant(predicted) or _is_constant(true):
        return math.nan
    # Of ranks, for what is infinite has a rank, too. `method` is that of the p-value, not used.
    ranks = stats.rankdata(predicted), stats.rankdata(true)
    return float(stats.kendalltau(*ranks, method="asymptotic").statistic)


def spearman(predicted, true):
    """Spearman's correlation of two arrays `(n,)`; NaN if one of them is constant."""
    if _is_constant(predicted) or _is_constant(true):
        return math.nan
    return float(stats.spearmanr(stats.rankdata(predicted), stats.rankdata(true)).statistic)


def precision_at(k):
    """Returns a function: the share of the `k` predicted best that are among the `k` best.

    Where equals stand at the border, it is what drawing among them would give on
    average. By chance it is `k / n`.
    """

    def precision(predicted, true):
        if _is_constant(predicted) or _is_constant(true):
            return math.nan
        return float(np.sum(_among_best(predicted, k) * _among_best(true, k)) / k)

    return precision


def estimate(statistic, predicted, true, seed=0):
    """A statistic of pairs and its 95 % percentile interval over bootstrap samples of pairs.

    Samples in which the statistic is not defined (one side is constant) are left
    out of the interval.

    Args:
        statistic: Callable from two arrays `(n,)` to a float.
        predicted: Floats `(n,)`, higher is better; may be infinite.
        true: Likewise.
        seed: Integer, of the samples.

    Returns:
        An `Estimate`; all NaN with fewer than three pairs or a constant side.
    """
    predicted, true = np.asarray(predicted, float), np.asarray(true, float)
    value = statistic(predicted, true) if len(true) >= LEAST else math.nan
    if not math.isfinite(value):
        return Estimate(math.nan, math.nan, math.nan)
    with warnings.catch_warnings():
        # Of samples without a value, which are left out below.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            # Their ranks do, where values may be infinite.
            (stats.rankdata(predicted), stats.rankdata(true)),
            statistic,
            paired=True,
            vectorized=False,
            n_resamples=RESAMPLES,
            method="percentile",
            # Newer versions of SciPy call it `rng`, but take this name, too.
            random_state=np.random.default_rng(seed),
        )
    tail = (1.0 - LEVEL) / 2
    low, high = np.nanquantile(found.bootstrap_distribution, [tail, 1.0 - tail])
    return Estimate(value, float(low), float(high))


def _is_constant(values):
    return bool(np.all(np.asarray(values) == values[0]))


def _among_best(values, k):
    """How much of each value is among the `k` highest: 1, 0, or at the border a share."""
    values = np.asarray(values)
    border = np.sort(values)[-k]
    above, at = values > border, values == border
    return above + at * (k - np.sum(above)) / np.sum(at)
