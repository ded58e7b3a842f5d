"""The images of the searches on NAS-Bench-201: CIFAR-10 made small."""

import importlib
import math
import os
import sys


def load(folder, size, train, validation):
    """Training and validation images out of CIFAR-10's training images.

    The test images are not touched: a cell is judged by the published table.

    Args:
        folder: String, which holds `real_data.py`.
        size: Integer, pixels a side: 32 divided by a power of 2; means of squares of pixels.
        train: Integer, how many images from the beginning.
        validation: Integer, how many from the end.

    Returns:
        `(x, y), (x_val, y_val)`: float32 `(n, size, size, 3)`, standardised by
        channel, and int32 `(n,)`.
    """
    if train + validation > 50_000:
        raise SystemExit(f"There are 50,000 images. Received: {train} and {validation}.")
    sys.path.insert(0, os.path.abspath(folder))
    real_data = importlib.import_module("real_data")
    # Each batch of 10,000 takes 2 s to unpack.
    first, last = math.ceil(train / 10_000), math.ceil(validation / 10_000)
    batches = sorted({*range(1, first + 1), *range(6 - last, 6)})
    (x, y), _ = real_data.load_cifar10(batches)
    x, y = x.astype("float32") / 255.0, y.reshape(-1).astype("int32")
    if size < 32:
        step = 32 // size
        x = x.reshape(-1, size, step, size, step, 3).mean((2, 4))
    x = (x - x[:train].mean((0, 1, 2))) / x[:train].std((0, 1, 2))
    end = slice(len(x) - validation, None)
    return (x[:train], y[:train]), (x[end], y[end])
