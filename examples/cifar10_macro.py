"""ENAS's macro search on CIFAR-10, with the settings of the paper or small enough for a CPU.

    python examples/cifar10_macro.py                     # the paper's settings: needs a GPU
    python examples/cifar10_macro.py --small             # a few minutes on 2 cores
    python examples/cifar10_macro.py --small --data ../shared/data

The defaults are those of Pham et al. 2018 for the search: 12 layers, 36 filters, batches of 128,
310 rounds of one epoch (the end of a cosine cycle that begins with 10 epochs and doubles), the
published controller (`profile="paper"`), 1,000 architectures for it a round, 45,000 images for the
weights and 5,000 for the rewards, shifts and flips. **They need a GPU and were not run by us**;
what was run is `--small`. What is trained from scratch afterwards is the architecture at its
searched size. (The paper enlarges it to 24 layers by hand.)

--data takes a folder with one .npz file of `x_train`, `y_train`, `x_test`, `y_test`, or with a
module `real_data.py` that has `load_cifar10()`; without it Keras downloads the images.

A search that was stopped goes on if it is started again, with batches in another order: the images
come from a `tf.data.Dataset`, which shuffles and shifts them.
"""

import argparse
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import keras_enas

PAPER = {
    "images": 50_000,
    "shrink": 1,
    "num_layers": 12,
    "filters": 36,
    "rounds": 310,
    "epochs": 310,
    "children": 3,
    # The paper starts at 0.05 and ends every cycle at 0.001.
    "first_cycle": 10,
    # As strong as the paper's L2 of 1e-4, which goes through the momentum.
    "weight_decay": 2e-3,
    "controller": {"profile": "paper", "controller_updates": 50, "samples_per_update": 20},
}
SMALL = {
    "images": 12_000,
    "shrink": 2,
    "num_layers": 6,
    "filters": 16,
    "rounds": 14,
    "epochs": 6,
    "children": 2,
    "first_cycle": 2,
    "weight_decay": 2e-4,
    "controller": {"controller_updates": 10, "samples_per_update": 20, "warmup_rounds": 2},
}
BATCH_SIZE = 128


def load(folder):
    """Returns the four arrays of CIFAR-10."""
    if folder is None:
        (x, y), (x_test, y_test) = keras.datasets.cifar10.load_data()
        return x, y, x_test, y_test
    folder = pathlib.Path(folder).resolve()
    archives = sorted(folder.glob("*.npz"))
    if archives:
        with np.load(archives[0]) as data:
            return tuple(data[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    if not (folder / "real_data.py").exists():
        raise SystemExit(f"--data: {folder} has neither an .npz file nor a module real_data.py.")
    sys.path.insert(0, str(folder))
    import real_data

    (x, y), (x_test, y_test) = real_data.load_cifar10()
    return x, y, x_test, y_test


def prepare(x, y, x_test, y_test, images, shrink):
    """Splits off the last tenth for validation, and standardises by the training part."""
    x, y = x[:images], y[:images]
    at = len(x) - len(x) // 10

    def smaller(array):
        n, height, width, channels = array.shape
        shape = (n, height // shrink, shrink, width // shrink, shrink, channels)
        return (array.reshape(shape).mean(axis=(2, 4)) / 255.0).astype("float32")

    x, x_test = smaller(x), smaller(x_test)
    mean, deviation = x[:at].mean(axis=(0, 1, 2)), x[:at].std(axis=(0, 1, 2))
    x, x_test = (x - mean) / deviation, (x_test - mean) / deviation
    y, y_test = y.ravel().astype("int32"), y_test.ravel().astype("int32")
    return (x[:at], y[:at]), (x[at:], y[at:]), (x_test, y_test)


def shifted_and_flipped(x, y, seed):
    """Batches for training: every image shifted by up to an eighth, every other one mirrored."""
    size = x.shape[1]
    margin = size // 8

    def augment(image, label):
        image = tf.pad(image, [[margin, margin], [margin, margin], [0, 0]])
        image = tf.image.random_crop(image, [size, size, x.shape[3]])
        return tf.image.random_flip_left_right(image), label

    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=seed)
    dataset = dataset.map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="16x16 images, 6 layers, 16 filters")
    parser.add_argument("--data", help="folder with a local copy of CIFAR-10")
    parser.add_argument("--rounds", type=int, help="in place of the setting's")
    parser.add_argument("--epochs", type=int, help="of training from scratch, likewise")
    parser.add_argument("--children", type=int, help="trained of each kind at the end, likewise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="runs/cifar10_macro", help="folder for all files")
    arguments = parser.parse_args()
    settings = dict(SMALL if arguments.small else PAPER)
    for name in ("rounds", "epochs", "children"):
        if getattr(arguments, name) is not None:
            settings[name] = getattr(arguments, name)

    data = load(arguments.data)
    training, validation, test = prepare(*data, settings["images"], settings["shrink"])
    keras.utils.set_random_seed(arguments.seed)
    dataset = shifted_and_flipped(*training, arguments.seed)

    # The optimizer counts steps through all rounds, so the schedule does too.
    schedule = keras.optimizers.schedules.CosineDecayRestarts(
        0.05, first_decay_steps=settings["first_cycle"] * len(dataset), t_mul=2.0, alpha=0.02
    )
    hypermodel = keras_enas.HyperMacroCNN(
        training[0].shape[1:],
        num_classes=10,
        num_layers=settings["num_layers"],
        filters=settings["filters"],
        learning_rate=schedule,
        weight_decay=settings["weight_decay"],
    )
    tuner = keras_enas.ENASTuner(
        hypermodel,
        objective="val_accuracy",
        max_trials=settings["rounds"],
        seed=arguments.seed,
        directory=arguments.output,
        project_name=f"{'small' if arguments.small else 'paper'}-seed-{arguments.seed}",
        **settings["controller"],
    )
    print(f"Searching {tuner.space} with {len(training[0])} + {len(validation[0])} images")
    tuner.search(dataset, validation_data=validation, batch_size=BATCH_SIZE)
    tuner.results_summary(settings["children"])
    retrained = tuner.retrain(
        dataset,
        validation_data=validation,
        test_data=test,
        epochs=settings["epochs"],
        top=settings["children"],
        random_baseline=settings["children"],
    )
    drawing = os.path.join(tuner.project_dir, "best_architecture.png")
    keras_enas.plot_architecture(retrained.architecture, drawing)
    print(f"Drawing: {drawing}")
    print(f"SavedModel: {os.path.join(tuner.project_dir, 'best_model')}")


if __name__ == "__main__":
    main()
