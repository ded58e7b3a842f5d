"""Which short training tells the best cells of NAS-Bench-201 from ordinary good ones?

    python benchmarks/short_trainings.py --data ../shared/data --near 25 \\
        --trainings 3:0.4 3:1.2 5:0.3 1:1

It is what a second opinion has to decide (`keras_enas.SuccessiveHalving`): among cells of which
none is bad, and near a latency none much bigger. Drawn are cells of the best 4 % and cells between
the median and the best tenth, of the cells in their simplest form that are within 5 % of a latency
on a Raspberry Pi 4 (`--near 0`: of all in their simplest form). Each is trained alone, as a second
opinion trains it, and ranked by its validation loss: `cells:epochs` is how many cells a stage it
has, and for how long; what has as many cells goes on from the shorter training, as from rung to
rung. Printed is the probability that one of the best is ranked before one of the others, Kendall
tau within all of them (both with the interval of a bootstrap over cells), and the CPU seconds that
a training took in all, the shorter ones before it and their scores included. The truth only judges.
"""

import argparse
import math
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from nasbench201_data import load
from nasbench201_settings import DEFAULTS, SMALL
from nasbench201_space import hypermodel_of
from nasbench201_table import COUNTS, Table, allowed_cells
from scipy import stats

import keras_enas as ke
from keras_enas.tuner.correlation import estimate, kendall_tau
from keras_enas.tuner.data import TrainingData, ValidationData
from keras_enas.tuner.short_training import ShortTraining

# The shares of the cells that are better: of the best ones, and of the others.
BEST, OTHERS = 0.04, (0.1, 0.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with real_data.py and the table")
    parser.add_argument("--near", type=float, default=0.0, help="milliseconds; 0: all cells")
    parser.add_argument(
        "--trainings",
        nargs="+",
        type=training,
        default=[(3, 0.1), (3, 0.4), (1, 1.0)],
        metavar="C:E",
        help="cells a stage and epochs",
    )
    parser.add_argument("--best", type=int, default=10, help="how many of the best")
    parser.add_argument("--others", type=int, default=16, help="how many of the others")
    parser.add_argument("--seed", type=int, default=2000)
    for name, value in SMALL.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--train", type=int, default=DEFAULTS["train"], help="images")
    args = parser.parse_args()
    if args.best < 1 or args.others < 1:
        parser.error(f"--best and --others: at least 1. Received: {args.best} and {args.others}.")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    settings = {**DEFAULTS, **{name: getattr(args, name) for name in (*SMALL, "train")}}
    settings["latency_target"] = args.near
    table = Table(args.data)
    rows, best = drawn(table, settings, args.best, args.others, args.seed)
    truth = table.truth[rows]
    said = [f"{truth[one].min():.2f} to {truth[one].max():.2f}" for one in (best, ~best)]
    print(f"{args.best} cells with {said[0]}, {args.others} with {said[1]}\n")
    print("| ranked by | P(best before other) | tau | CPU s a training |")
    print("| --- | --- | --- | --- |")
    for name, column in COUNTS.items():
        show(name, table.columns[column][rows], truth, best, 0.0)
    images, validation = load(args.data, args.size, args.train, settings["validation"])
    for cells in dict.fromkeys(cells for cells, _ in args.trainings):
        epochs = sorted({epochs for other, epochs in args.trainings if other == cells})
        architectures = table.architectures[rows]
        found = trained(architectures, cells, epochs, settings, images, validation, args.seed)
        before = ""
        for length, (losses, seconds) in zip(epochs, found, strict=True):
            name = f"cells a stage: {cells}, epochs: {length:g}{before}"
            # What diverged comes last, as in a second opinion.
            worth = np.where(np.isfinite(losses), -losses, -np.inf)
            show(name, worth, truth, best, seconds)
            before = f", {length:g} of them before"


def training(text):
    """Reads `cells:epochs`."""
    cells, _, epochs = text.partition(":")
    try:
        cells, epochs = int(cells), float(epochs)
    except ValueError:
        cells = 0
    if not (cells >= 1 and 0 < epochs < math.inf):
        raise argparse.ArgumentTypeError(f"cells:epochs, as 3:0.4. Received: {text}.")
    return cells, epochs


def drawn(table, settings, n_best, n_others, seed):
    """Draws cells in their simplest form; returns rows of the table, and which are of the best."""
    simplest = hypermodel_of(settings, np.zeros((1, 8, 8, 3))).simplest
    rows = []
    for row in np.flatnonzero(allowed_cells(table, settings)):
        cell = table.space.architecture(table.architectures[row])
        if simplest(cell) == cell:
            rows.append(row)
    if not rows:
        raise SystemExit(f"--near {settings['latency_target']:g}: no cell in its simplest form.")
    truth = table.truth[rows]
    bounds = np.quantile(truth, [1 - OTHERS[1], 1 - OTHERS[0], 1 - BEST])
    groups = truth >= bounds[2], (truth >= bounds[0]) & (truth < bounds[1])
    for name, wanted, group in zip(("best", "others"), (n_best, n_others), groups, strict=True):
        if wanted > group.sum():
            raise SystemExit(f"--{name} {wanted}: there are {group.sum()} such cells.")
    rng = np.random.default_rng(seed)
    picked = [
        rng.choice(np.flatnonzero(group), wanted, replace=False)
        for group, wanted in zip(groups, (n_best, n_others), strict=True)
    ]
    order = rng.permutation(np.concatenate(picked))
    return np.asarray(rows)[order], np.isin(order, picked[0])


def trained(architectures, cells, epochs, settings, images, validation, seed):
    """Trains each alone.

    Args:
        architectures: Integers `(n, 6)`.
        cells: Integer, cells a stage.
        epochs: Numbers, rising: after how many of all it is scored.
        settings: Dict as in `nasbench201_settings.py`.
        images: Training images and labels.
        validation: Those to validate.
        seed: Integer, of weights and of the order of images.

    Returns:
        List, for each of `epochs`, of losses `(n,)` and of the process CPU seconds of a training.
    """
    hypermodel = hypermodel_of({**settings, "cells": cells}, images[0])
    losses = np.zeros((len(epochs), len(architectures)))
    seconds = np.zeros(len(epochs))
    with tempfile.TemporaryDirectory() as folder:
        oracle = ke.RandomOracle("val_loss", max_trials=1, seed=seed)
        tuner = ke.ENASTuner(hypermodel, oracle=oracle, directory=folder)
        supergraph = tuner.fresh_supergraph()
        alone = ShortTraining(
            supergraph,
            tuner.judge_of_trained(supergraph),
            TrainingData(*images, None, settings["batch"], True, seed),
            ValidationData(validation, 500, seed),
        )
        # So that the trace is no part of the first one.
        alone.train(architectures[0], alone.initial, 0, 1e-6)
        for n, architecture in enumerate(architectures):
            arrays, behind, began = alone.initial, 0.0, time.process_time()
            for rung, end in enumerate(epochs):
                arrays, score, _ = alone.train(architecture, arrays, behind, end - behind)
                losses[rung, n], behind = score.objective, end
                seconds[rung] += time.process_time() - began
    return list(zip(losses, seconds / len(architectures), strict=True))


def show(name, values, truth, best, seconds):
    """Prints a line of the table; of `values` the highest are ranked first."""
    first = estimate(ranked_before, values, best)
    tau = estimate(kendall_tau, values, truth)
    print(f"| {name} | {first} | {tau} | {seconds:.1f} |", flush=True)


def ranked_before(values, best):
    """The probability that one of the best has more than one of the others, equals count half.

    Args:
        values: Floats `(n,)`.
        best: `(n,)`, two values, the higher one for the best.
    """
    best = best == best.max()
    if best.all():
        return float("nan")
    found = stats.mannwhitneyu(values[best], values[~best], method="asymptotic")
    return float(found.statistic / (best.sum() * (~best).sum()))


if __name__ == "__main__":
    main()
