"""What architectures are worth, predicted from those of which it is known."""

import numpy as np

from keras_enas.oracles.progressive import indicators

# The kernel, in variances of what is known: what a pair of decisions weighs in a space of six, and
# the noise of one figure.
PAIRS, NOISE = 0.02, 0.5


class Regression:
    """A Gaussian process (`scikit-learn`) on the decisions, one of n.

    Its kernel is a square of inner products, so pairs of decisions count, too. The kernel's
    parameters are not fitted: a few figures that differ in nothing but noise would make it
    certain that decisions do not matter.

    Args:
        num_candidates: int array `(decisions,)`.
        architectures: List of indices `(decisions,)`.
        values: Finite floats, what is known of each.
    """

    def __init__(self, num_candidates, architectures, values):
        # scikit-learn takes a second to import.
        from sklearn.gaussian_process import GaussianProcessRegressor, kernels

        self._num_candidates = np.asarray(num_candidates)
        kernel = kernels.ConstantKernel(PAIRS) * kernels.DotProduct(1.0) ** 2
        self._process = GaussianProcessRegressor(
            kernel + kernels.WhiteKernel(NOISE), optimizer=None, normalize_y=True
        )
        values = np.asarray(values, float)
        self._process.fit(self._features(architectures), values)
        self._noise = NOISE * values.var()

    def mean(self, architectures):
        """Floats `(n,)`: what is expected of each."""
        return self._process.predict(self._features(architectures))

    def optimistic(self, architectures, deviations):
        """Floats `(n,)`: an upper confidence bound.

        Args:
            architectures: List of indices `(decisions,)`.
            deviations: Float, how many deviations of what is not known are added.
        """
        mean, deviation = self._process.predict(self._features(architectures), return_std=True)
        # The noise of another figure is no reason to look there.
        return mean + deviations * np.sqrt(np.maximum(deviation**2 - self._noise, 0.0))

    def _features(self, architectures):
        decisions = np.asarray(architectures, np.int64)
        chosen = indicators(decisions, self._num_candidates)
        # As large in a space of many decisions as in one of six, on which the kernel was tried.
        return chosen * np.sqrt(6.0 / decisions.shape[1])
