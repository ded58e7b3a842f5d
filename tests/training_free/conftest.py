"""What the tests of the scores share."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def batch():
    """Eight small images."""
    return np.random.default_rng(0).normal(size=(8, 6, 6, 2)).astype("float32")
