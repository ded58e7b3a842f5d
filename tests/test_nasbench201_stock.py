"""What KerasTuner's own tuners are given by benchmarks/nasbench201.py."""

import importlib

import numpy as np
import pytest


@pytest.mark.parametrize(("epochs", "images", "whole"), [(0.4, 4, 1), (1.0, 10, 1), (3.0, 10, 3)])
def test_a_part_of_an_epoch_is_a_part_of_the_images(
    benchmarks_import_each_other, epochs, images, whole
):
    stock = importlib.import_module("nasbench201_stock")
    x, y, found = stock.whole_epochs(np.arange(10), np.arange(10), epochs)
    assert x.tolist() == y.tolist() == list(range(images))
    assert found == whole and isinstance(found, int)
