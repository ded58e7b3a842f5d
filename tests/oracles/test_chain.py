"""Tables over the chain of decisions."""

import numpy as np
import pytest

from keras_enas.oracles import chain

# Two candidates, then three; the second follows the first.
POLICY = np.array(
    [
        [[0.25, 0.75, 0.0]] * 3,
        [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]],
    ]
)


def test_marginals_are_those_of_many_walks():
    drawn = chain.walk(POLICY, 4000, np.random.default_rng(0))
    for i, p in enumerate(chain.marginals(POLICY)):
        # 6 standard deviations of the binomial are 0.048.
        np.testing.assert_allclose(np.bincount(drawn[:, i], minlength=3) / 4000, p, atol=0.048)
    np.testing.assert_allclose(chain.marginals(POLICY)[1], [0.25, 0.375, 0.375])
    # The second is 0 exactly when the first is.
    np.testing.assert_array_equal(drawn[:, 0] == 0, drawn[:, 1] == 0)


def test_greedy_follows_the_chain():
    np.testing.assert_array_equal(chain.greedy(POLICY), [1, 1])


def test_previous():
    np.testing.assert_array_equal(chain.previous(np.array([[3, 1, 2]])), [[0, 3, 1]])


def test_mask():
    candidates = chain.mask(np.array([1, 3]))
    np.testing.assert_array_equal(candidates[:, 0], [[True, False, False], [True] * 3])


def test_roulette_never_draws_what_has_no_weight():
    class Highest:
        def random(self, shape):
            return np.full(shape, np.nextafter(1.0, 0.0))

    weights = np.array([[0.1] * 10 + [0.0, 0.0]])
    assert chain.roulette(weights, Highest()) == pytest.approx(9)
