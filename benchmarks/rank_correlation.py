"""Is what `tuner.rank_correlation` says true? Judged by the table of NAS-Bench-201.

    python benchmarks/rank_correlation.py --data ../shared/data --output runs/rank-correlation

It compares the order that shared weights give with the order after short trainings alone, since
a user has nothing better. Here there is: the published accuracy after 200 epochs. A search with
shared weights alone is followed by `rank_correlation` of a few random cells, as a user would call
it. What it said stands beside the same statistic against the truth, as does what the trained
children themselves have by it: what its own yardstick is worth. An interrupted run goes on.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from nasbench201_data import load
from nasbench201_settings import DEFAULTS, SMALL
from nasbench201_space import hypermodel_of
from nasbench201_table import Table

import keras_enas as ke
from keras_enas.tuner.correlation import estimate, kendall_tau


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with real_data.py and the table")
    parser.add_argument("--output", required=True, help="folder of this run")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--children", type=int, default=16, help="cells that are trained alone")
    parser.add_argument("--epochs", type=int, default=4, help="of each of them")
    parser.add_argument("--smooth-over", type=int, default=300)
    parser.add_argument("--train", type=int, default=DEFAULTS["train"], help="images")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    settings = {**DEFAULTS, **SMALL, "train": args.train, "child_cells": 1}
    table = Table(args.data)
    images, validation = load(args.data, settings["size"], args.train, settings["validation"])
    found = measured(args, settings, images, validation)
    shown(found, table)


def measured(args, settings, images, validation):
    """Searches, then asks as a user would; returns the `RankCorrelation`."""
    oracle = ke.ENASOracle("val_loss", max_trials=args.rounds, seed=args.seed)
    tuner = ke.ENASTuner(
        hypermodel_of(settings, images[0]),
        oracle=oracle,
        warmup_rounds=min(settings["warmup_rounds"], args.rounds - 1),
        reward=ke.LinearProbe(),
        directory=args.output,
        project_name=f"search-{args.seed}",
    )
    size = {"batch_size": settings["batch"]}
    tuner.search(*images, validation_data=validation, validation_batch_size=500, **size)
    return tuner.rank_correlation(
        args.children,
        *images,
        validation_data=validation,
        epochs=args.epochs,
        smooth_over=args.smooth_over,
        **size,
    )


def shown(found, table):
    """Prints Kendall tau of each predictor, as it was said and against the truth."""
    truth = np.array([table.true_accuracy(one.architecture) for one in found.children])
    print("| by | Kendall tau, as `rank_correlation` says | against the truth |")
    print("| --- | --- | --- |")
    for name, figures in found.figures.items():
        against = estimate(kendall_tau, found.predicted[name], truth)
        print(f"| {name} | {figures['kendall_tau']} | {against} |")
    print(f"| trained alone |  | {estimate(kendall_tau, found.trained, truth)} |")


if __name__ == "__main__":
    main()
