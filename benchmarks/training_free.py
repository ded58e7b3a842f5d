"""Do scores without training rank the cells of NAS-Bench-201 better than counting does?

    python benchmarks/training_free.py --data FOLDER [--cells 150] [--seed 0]

FOLDER has `real_data.py` with CIFAR-10 and the table of NAS-Bench-201. The network is small:
16x16 images, one cell a stage, 16 filters; the truth, `cifar10_test_200`, only judges.
"""

import argparse
import importlib.util
import pathlib
import tempfile
import time

import numpy as np

from keras_enas import ENASTuner, HyperNASBench201, RandomOracle, training_free
from keras_enas.tuner.correlation import estimate, kendall_tau

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)


def load(folder):
    """Returns the first 64 images of CIFAR-10 at 16x16, and the table's texts and accuracies."""
    path = pathlib.Path(folder) / "real_data.py"
    spec = importlib.util.spec_from_file_location("real_data", path)
    real_data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(real_data)
    (x, _), _ = real_data.load_cifar10(train_batches=(1,))
    x = (x[:64] / 255.0 - MEAN) / DEVIATION
    table = real_data.load_nasbench201()
    images = x.reshape(64, 16, 2, 16, 2, 3).mean((2, 4)).astype("float32")
    return images, table["arch_str"], np.asarray(table["cifar10_test_200"], float)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--cells", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    images, texts, accuracies = load(arguments.data)
    chosen = np.random.default_rng(2024).choice(len(texts), arguments.cells, replace=False)
    truth = accuracies[chosen]
    better = truth >= np.median(truth)
    hypermodel = HyperNASBench201((16, 16, 3), 10, cells_per_stage=1, filters=16)
    with tempfile.TemporaryDirectory() as folder:
        oracle = RandomOracle("val_accuracy", max_trials=1, seed=arguments.seed)
        tuner = ENASTuner(hypermodel, oracle=oracle, directory=folder)
        labels = [
            [edge.split("~")[0] for edge in texts[i].split("|") if "~" in edge] for i in chosen
        ]
        names = [decision.name for decision in tuner.space]
        cells = [tuner.space.from_values(dict(zip(names, one, strict=True))) for one in labels]
        print("| score | tau | tau in the better half | accuracy of its first | CPU s |")
        print("| --- | --- | --- | --- | --- |")
        for name in training_free.SCORES:
            began = time.process_time()
            ranked = training_free.rank(tuner, cells, images, name)
            seconds = time.process_time() - began
            by_cell = {one.architecture: one.score for one in ranked}
            scores = np.array([by_cell[cell] for cell in cells])
            found = estimate(kendall_tau, scores, truth)
            half = estimate(kendall_tau, scores[better], truth[better])
            first = truth[scores.argmax()]
            print(f"| {name} | {found} | {half} | {first:.2f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
