"""What the CIFAR-10 examples share: the images, and training a published architecture.

Not an example by itself: see cifar10_macro.py and cifar10_micro.py.
"""

import os
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

import keras_enas


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


def shifted_and_flipped(x, y, seed, batch_size=128):
    """Batches for training: every image shifted by up to an eighth, every other one mirrored."""
    size = x.shape[1]
    margin = size // 8

    def augment(image, label):
        image = tf.pad(image, [[margin, margin], [margin, margin], [0, 0]])
        image = tf.image.random_crop(image, [size, size, x.shape[3]])
        return tf.image.random_flip_left_right(image), label

    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=seed)
    dataset = dataset.map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def add_options(parser, recipes):
    """Adds the options that both examples have."""
    parser.add_argument("--data", help="folder with a local copy of CIFAR-10")
    parser.add_argument("--recipe", choices=recipes, help="that children are trained by")
    parser.add_argument("--filters", type=int, help="of the children, in place of the setting's")
    parser.add_argument("--rounds", type=int, help="in place of the setting's")
    parser.add_argument("--epochs", type=int, help="of training from scratch, likewise")
    parser.add_argument("--children", type=int, help="trained of each kind at the end, likewise")
    parser.add_argument("--seed", type=int, default=0)


def overridden(settings, arguments):
    """Returns the settings with what was given on the command line."""
    given = {
        "rounds": arguments.rounds,
        "epochs": arguments.epochs,
        "children": arguments.children,
        "recipe": arguments.recipe,
        "child_filters": arguments.filters,
    }
    settings = {**settings, **{name: value for name, value in given.items() if value is not None}}
    if arguments.filters is not None:
        settings["published"] = {**settings["published"], "filters": arguments.filters}
    return settings


def recipe_of(settings):
    """Returns the recipe of the settings, with their number of epochs."""
    recipe = getattr(keras_enas.training, settings["recipe"])
    return recipe if settings["epochs"] is None else recipe.replace(epochs=settings["epochs"])


def train_published(name, space, settings, data, folder):
    """Trains a published architecture from scratch on all images but the test images.

    Args:
        name: String, a constant of `keras_enas.published`.
        space: The class of its hypermodel.
        settings: Dict of the example; a small one has its own size for the network.
        data: What `prepare` returns.
        folder: String, where the trained network is saved.
    """
    architecture = getattr(keras_enas.published, name)
    (x, y), (x_held, y_held), test = data
    # As in the paper: what the search kept for validation is trained on in the end.
    x, y = np.concatenate([x, x_held]), np.concatenate([y, y_held])
    network = {**architecture.settings, **settings["published"]}
    recipe = recipe_of(settings)
    hypermodel = space(x.shape[1:], num_classes=10, **network).for_children(recipe)
    model = hypermodel.build_architecture(architecture)
    print(f"{architecture.name}, from {architecture.source}")
    for figure in architecture.figures:
        remark = " (from memory)" if figure.recalled else ""
        print(f"  published: {figure.quantity}: {figure.value} [{figure.source}]{remark}")
    print(recipe)
    recipe.fit(model, x, y, verbose=2)
    model = recipe.finish(model)
    print(f"Trainable parameters: {sum(np.prod(w.shape) for w in model.trainable_weights):,}")
    loss, accuracy = model.evaluate(*test, batch_size=recipe.batch_size, verbose=0)
    print(f"Test error: {100 * (1 - accuracy):.2f} % (loss {loss:.4f}), after the last epoch")
    path = os.path.join(folder, name.lower())
    keras_enas.to_keras(model).export(path, verbose=False)
    print(f"SavedModel: {path}")
