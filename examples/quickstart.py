"""Designs a network for handwritten digits, trains it from scratch and exports it.

    python examples/quickstart.py                            # under 3 minutes on 2 cores
    python examples/quickstart.py --rounds 2 --children 1    # the shortest setting

Data: scikit-learn's digits, 1,797 grey images of 8x8 pixels, in three parts. The shared weights
and the children are trained on the first (1,000), architectures are chosen by the second (400),
the third (397) is looked at once, at the end, and decides nothing.

A search that was stopped goes on where it was if it is started again with the same arguments.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Images this small gain nothing from several threads an operation.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_enas

BATCH_SIZE = 32


def digits():
    """Returns (x, y) of the training, validation and test images, the same in every run."""
    images, labels = load_digits(return_X_y=True)
    x = (images / 16.0).reshape(-1, 8, 8, 1).astype("float32")
    x, x_test, y, y_test = train_test_split(
        x, labels, test_size=397, stratify=labels, random_state=0
    )
    x, x_val, y, y_val = train_test_split(x, y, test_size=400, stratify=y, random_state=0)
    return (x, y), (x_val, y_val), (x_test, y_test)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="rounds of the search")
    parser.add_argument("--children", type=int, default=3, help="trained of each kind at the end")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="runs/quickstart", help="folder for all files")
    arguments = parser.parse_args()
    began, cpu = time.monotonic(), time.process_time()
    (x, y), validation, test = digits()

    # The search space: 6 layers, six operations, skips; 1.5e9 architectures.
    hypermodel = keras_enas.HyperMacroCNN((8, 8, 1), num_classes=10, num_layers=6, filters=8)
    tuner = keras_enas.ENASTuner(
        hypermodel,
        objective="val_accuracy",
        max_trials=arguments.rounds,
        seed=arguments.seed,
        directory=arguments.output,
        project_name=f"digits-{arguments.rounds}-rounds-seed-{arguments.seed}",
    )
    print(f"Searching {tuner.space}. The first round takes longest: it builds the supergraph.")
    tuner.search(x, y, validation_data=validation, batch_size=BATCH_SIZE)

    # What the search is worth: its architectures and random ones, trained alike from scratch.
    retrained = tuner.retrain(
        x,
        y,
        validation_data=validation,
        test_data=test,
        epochs=6,
        batch_size=BATCH_SIZE,
        top=arguments.children,
        random_baseline=arguments.children,
    )

    drawing = os.path.join(tuner.project_dir, "best_architecture.png")
    keras_enas.plot_architecture(retrained.architecture, drawing)
    saved = os.path.join(tuner.project_dir, "best_model")
    best = next(c for c in retrained.children if c.architecture == retrained.architecture)
    print(f"Best architecture, a {best.origin} one: {best.architecture}")
    print(f"Drawing: {drawing}")
    print(f"SavedModel: {saved}")

    # The SavedModel needs TensorFlow only.
    loaded = tf.saved_model.load(saved)
    probabilities = loaded.serve(test[0][:1])[0].numpy()
    print(
        f"Loaded again, it reads the first test image as {probabilities.argmax()} "
        f"(probability {probabilities.max():.2f}; it is labelled {test[1][0]})."
    )
    seconds = time.monotonic() - began
    print(f"Done in {seconds:.0f} s ({time.process_time() - cpu:.0f} s of CPU time).")


if __name__ == "__main__":
    main()
