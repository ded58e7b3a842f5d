"""ENAS's macro search on CIFAR-10, with the settings of the paper or small enough for a CPU.

    python examples/cifar10_macro.py                     # the paper's settings: needs a GPU
    python examples/cifar10_macro.py --small             # a few minutes on 2 cores
    python examples/cifar10_macro.py --small --data ../shared/data

The defaults are those of Pham et al. 2018 for the search: 12 layers, 36 filters, batches of 128,
310 rounds of one epoch (the end of a cosine cycle that begins with 10 epochs and doubles), the
published controller (`profile="paper"`), 1,000 architectures for it a round, 45,000 images for the
weights and 5,000 for the rewards, shifts and flips. What comes out is trained from scratch in the
form of the released code, with 96 filters, by the recipe `macro`. **They need a GPU and were not
run by us**; what was run is `--small`.

    python examples/cifar10_macro.py --published ENAS_MACRO

trains the published architecture instead of searching (docs/reproducing-the-paper.md).

--data takes a folder with one .npz file of `x_train`, `y_train`, `x_test`, `y_test`, or with a
module `real_data.py` that has `load_cifar10()`; without it Keras downloads the images.

A search that was stopped goes on if it is started again, with batches in another order: the images
come from a `tf.data.Dataset`, which shuffles and shifts them.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from cifar10 import (
    add_options,
    load,
    overridden,
    prepare,
    recipe_of,
    shifted_and_flipped,
    train_published,
)

import keras_enas

PAPER = {
    "images": 50_000,
    "shrink": 1,
    "num_layers": 12,
    "filters": 36,
    "rounds": 310,
    "children": 3,
    # None: as the recipe has it.
    "epochs": None,
    "recipe": "macro",
    "child_filters": 96,
    "child_form": "final",
    # In place of settings of a published architecture.
    "published": {},
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
    "children": 2,
    "epochs": 6,
    "recipe": "macro_small",
    "child_filters": None,
    "child_form": None,
    "published": {"filters": 8},
    "first_cycle": 2,
    "weight_decay": 2e-4,
    "controller": {"controller_updates": 10, "samples_per_update": 20, "warmup_rounds": 2},
}
BATCH_SIZE = 128


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="16x16 images, 6 layers, 16 filters")
    parser.add_argument(
        "--published",
        choices=["ENAS_MACRO", "ENAS_MACRO_RELEASED"],
        help="train this architecture, do not search",
    )
    add_options(parser, ["macro", "macro_small"])
    parser.add_argument("--output", default="runs/cifar10_macro", help="folder for all files")
    arguments = parser.parse_args()
    settings = overridden(SMALL if arguments.small else PAPER, arguments)

    data = prepare(*load(arguments.data), settings["images"], settings["shrink"])
    keras.utils.set_random_seed(arguments.seed)
    if arguments.published:
        name, space = arguments.published, keras_enas.HyperMacroCNN
        return train_published(name, space, settings, data, arguments.output)

    training, validation, test = data
    dataset = shifted_and_flipped(*training, arguments.seed, BATCH_SIZE)

    # The optimizer counts steps through all rounds, so the schedule does too.
    schedule = keras.optimizers.schedules.CosineDecayRestarts(
        0.05, first_decay_steps=settings["first_cycle"] * len(dataset), t_mul=2.0, alpha=0.02
    )
    hypermodel = keras_enas.HyperMacroCNN(
        training[0].shape[1:],
        num_classes=10,
        num_layers=settings["num_layers"],
        filters=settings["filters"],
        child_filters=settings["child_filters"],
        child_form=settings["child_form"],
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
    # The recipe shifts and mirrors by itself.
    retrained = tuner.retrain(
        *training,
        validation_data=validation,
        test_data=test,
        recipe=recipe_of(settings),
        top=settings["children"],
        random_baseline=settings["children"],
    )
    drawing = os.path.join(tuner.project_dir, "best_architecture.png")
    keras_enas.plot_architecture(retrained.architecture, drawing)
    print(f"Drawing: {drawing}")
    print(f"SavedModel: {os.path.join(tuner.project_dir, 'best_model')}")


if __name__ == "__main__":
    main()
