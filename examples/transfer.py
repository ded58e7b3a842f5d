"""Searches cells on small images, and trains larger networks of them on another data set.

    python examples/transfer.py
    python examples/transfer.py --small                # under 5 minutes
    python examples/transfer.py --data ../shared/data --target cifar10

As the paper's micro space is meant: cells are searched where it is cheap and stacked deeper and
wider where it counts. The search sees scikit-learn's digits, 1,797 grey images of 8x8 pixels, and
nothing else. Its best cells, and random ones of the same space beside them, are then trained from
scratch under one recipe on another data set: by default letters as the fonts that come with
matplotlib draw them, 26 classes, 16x16 pixels, turned and moved a little, with some fonts kept for
validation and others for the test. So nothing has to be downloaded.

--data takes a folder with one .npz file of `x_train`, `y_train`, `x_test`, `y_test` (Fashion-MNIST,
say), or with a module `real_data.py` that has `load_cifar10()` or `load_fashion_mnist()`, as
--target says. The last tenth of the training images is the validation then.
"""

import argparse
import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Networks this small gain nothing from several threads an operation.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import keras
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_enas

FULL = {
    "rounds": 20,
    "search": {"num_layers": 1, "filters": 8, "num_blocks": 4},
    "child": {"num_layers": 6, "filters": 12, "num_blocks": 4},
    "epochs": 14,
    "children": 3,
    "images": 20_000,
    "copies": 12,
    "shrink": 1,
}
SMALL = {
    "rounds": 5,
    "search": {"num_layers": 1, "filters": 6, "num_blocks": 3},
    "child": {"num_layers": 3, "filters": 8, "num_blocks": 3},
    "epochs": 6,
    "children": 2,
    "images": 3_000,
    "copies": 5,
    "shrink": 2,
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Of the fonts that come with matplotlib, those that draw Latin letters. No font is in two parts.
FONTS = {
    "training": (
        *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
        *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
        *("cmr10", "cmb10", "cmmi10", "cmti10"),
    ),
    "validation": ("DejaVuSansMono", "DejaVuSansMono-Bold", "cmss10"),
    "test": ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta", "cmtt10"),
}


def digits():
    """Returns (x, y) of the training and validation digits, the same in every run."""
    images, labels = load_digits(return_X_y=True)
    x = (images / 16.0).reshape(-1, 8, 8, 1).astype("float32")
    x, x_val, y, y_val = train_test_split(x, labels, test_size=400, stratify=labels, random_state=0)
    return (x, y), (x_val, y_val)


def letters(copies, size=16, seed=0):
    """Draws every letter in every font, `copies` times, each turned and moved a little.

    Returns:
        (x, y) of training, validation and test: float32 `(n, size, size, 1)` from 0 to 1, and
        int32 labels.
    """
    rng = np.random.default_rng(seed)
    folder = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    parts = []
    for names in FONTS.values():
        x, y = [], []
        for name in names:
            # Drawn three times as large, and made smaller with smooth edges.
            font = ImageFont.truetype(str(folder / f"{name}.ttf"), 2 * size)
            for _ in range(copies):
                for label, letter in enumerate(LETTERS):
                    image = Image.new("L", (3 * size, 3 * size))
                    middle = 1.5 * size + rng.uniform(-0.3 * size, 0.3 * size, 2)
                    draw = ImageDraw.Draw(image)
                    draw.text(tuple(middle), letter, fill=255, font=font, anchor="mm")
                    image = image.rotate(rng.uniform(-20, 20), resample=Image.Resampling.BILINEAR)
                    image = image.resize((size, size), Image.Resampling.BOX)
                    x.append(np.asarray(image, dtype="float32")[:, :, None] / 255.0)
                    y.append(label)
        parts.append((np.stack(x), np.array(y, dtype="int32")))
    return tuple(parts)


def from_folder(folder, target, images, shrink):
    """Reads a data set; returns (x, y) of training, validation and test."""
    folder = pathlib.Path(folder).resolve()
    archives = sorted(folder.glob("*.npz"))
    if archives:
        with np.load(archives[0]) as data:
            x, y, x_test, y_test = (
                data[name] for name in ("x_train", "y_train", "x_test", "y_test")
            )
    elif (folder / "real_data.py").exists():
        sys.path.insert(0, str(folder))
        import real_data

        (x, y), (x_test, y_test) = getattr(real_data, f"load_{target}")()
    else:
        raise SystemExit(f"--data: {folder} has neither an .npz file nor a module real_data.py.")
    x, y = x[:images], y[:images]

    def smaller(array):
        array = array.reshape(*array.shape[:3], -1)
        n, height, width, channels = array.shape
        shape = (n, height // shrink, shrink, width // shrink, shrink, channels)
        return (array.reshape(shape).mean(axis=(2, 4)) / 255.0).astype("float32")

    at = len(x) - len(x) // 10
    x, y = smaller(x), y.ravel().astype("int32")
    test = smaller(x_test), y_test.ravel().astype("int32")
    return (x[:at], y[:at]), (x[at:], y[at:]), test


def standardised(parts):
    """Makes mean 0 and deviation 1 of every channel in the first part, and the others alike."""
    mean, deviation = (f(parts[0][0], axis=(0, 1, 2)) for f in (np.mean, np.std))
    return [((x - mean) / deviation, y) for x, y in parts]


def search(settings, seed, output):
    """Searches cells on the digits; returns the best ones, and random ones of the same space."""
    training, validation = digits()
    hypermodel = keras_enas.HyperMicroCNN((8, 8, 1), num_classes=10, **settings["search"])
    tuner = keras_enas.ENASTuner(
        hypermodel,
        objective="val_accuracy",
        max_trials=settings["rounds"],
        seed=seed,
        directory=output,
        project_name=f"digits-{settings['rounds']}-rounds-seed-{seed}",
    )
    print(f"Searching {tuner.space} on digits of 8x8")
    tuner.search(*training, validation_data=validation, batch_size=32)
    n, space = settings["children"], tuner.space
    random = space.random(n, np.random.default_rng(seed + 1))
    return [("derived", found.architecture) for found in tuner.get_best_architectures(n)] + [
        ("random", space.architecture(indices)) for indices in random
    ]


def train(architecture, settings, recipe, parts, seed):
    """Trains the larger network of two cells; returns its test accuracy and the network."""
    training, validation, test = parts
    keras.utils.set_random_seed(seed)
    hypermodel = keras_enas.HyperMicroCNN(
        training[0].shape[1:],
        num_classes=int(training[1].max()) + 1,
        form="final",
        **settings["child"],
    )
    # The same decisions: cells do not know what they are stacked to.
    model = hypermodel.for_children(recipe).build_architecture(architecture)
    recipe.fit(model, *training, validation_data=validation, verbose=0)
    model = recipe.finish(model)
    scores = [model.evaluate(*part, verbose=0, return_dict=True) for part in (validation, test)]
    return [score["accuracy"] for score in scores], model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="less of everything")
    parser.add_argument("--data", help="folder with the data set to train on, in place of letters")
    parser.add_argument("--target", choices=["cifar10", "fashion_mnist"], default="fashion_mnist")
    parser.add_argument("--rounds", type=int, help="in place of the setting's")
    parser.add_argument("--epochs", type=int, help="of training from scratch, likewise")
    parser.add_argument("--children", type=int, help="trained of each kind at the end, likewise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="runs/transfer", help="folder for all files")
    arguments = parser.parse_args()
    cpu = time.process_time()
    settings = dict(SMALL if arguments.small else FULL)
    for name in ("rounds", "epochs", "children"):
        if getattr(arguments, name) is not None:
            settings[name] = getattr(arguments, name)

    if arguments.data is None:
        parts = letters(settings["copies"], seed=arguments.seed)
    else:
        parts = from_folder(
            arguments.data, arguments.target, settings["images"], settings["shrink"]
        )
    parts = standardised(parts)
    chosen = search(settings, arguments.seed, arguments.output)

    # Letters and their mirror images are different things, so nothing is mirrored.
    recipe = keras_enas.training.micro_small.replace(
        epochs=settings["epochs"], flip=arguments.data is not None
    )
    shape = "x".join(map(str, parts[0][0].shape[1:]))
    print(f"Training on {len(parts[0][0])} images of {shape}, {recipe.epochs} epochs each")
    print("origin    validation  test    architecture")
    results = []
    for origin, architecture in chosen:
        (validation, test), model = train(architecture, settings, recipe, parts, arguments.seed)
        results.append((validation, origin, test, model))
        print(f"{origin:9} {validation:.4f}      {test:.4f}  {architecture}", flush=True)
    for origin in ("derived", "random"):
        tests = [test for _, kind, test, _ in results if kind == origin]
        print(f"Test accuracy of {len(tests)} {origin} ones: {np.mean(tests):.4f} on average")
    validation, origin, test, model = max(results, key=lambda result: result[0])
    path = os.path.join(arguments.output, "best_model")
    keras_enas.to_keras(model).export(path, verbose=False)
    print(f"Best by validation, a {origin} one: {test:.4f} on the test images")
    print(f"SavedModel: {path}")
    print(f"{time.process_time() - cpu:.0f} s of CPU time")


if __name__ == "__main__":
    main()
