"""ENAS's micro search on CIFAR-10, with the settings of the paper or small enough for a CPU.

    python examples/cifar10_micro.py                     # the paper's settings: needs a GPU
    python examples/cifar10_micro.py --small             # under 5 minutes on 2 cores
    python examples/cifar10_micro.py --small --data ../shared/data

The defaults are those of the released code of Pham et al. 2018: cells of five blocks, searched in
6 + 2 cells with 20 filters, batches of 160, 150 rounds of one epoch (the end of a cosine cycle),
its controller (`profile="released_code_micro"`), 300 architectures for it a round. What comes out
is trained from scratch in 15 + 2 cells with 36 filters, in the form of the released code, by the
recipe `micro` (630 epochs). **They need a GPU and were not run by us**; what was run is `--small`.

    python examples/cifar10_micro.py --published ENAS_MICRO --recipe micro_cutout

trains a published architecture instead of searching (docs/reproducing-the-paper.md).

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
    "num_layers": 6,
    "filters": 20,
    "num_blocks": 5,
    "batch_size": 160,
    "rounds": 150,
    "children": 3,
    # None: as the recipe has it.
    "epochs": None,
    "recipe": "micro",
    "child_layers": 15,
    "child_filters": 36,
    # In place of settings of a published architecture.
    "published": {},
    "first_cycle": 10,
    # As strong as the paper's L2 of 1e-4, which goes through the momentum.
    "weight_decay": 2e-3,
    "controller": {
        "profile": "released_code_micro",
        "controller_updates": 30,
        "samples_per_update": 10,
    },
}
SMALL = {
    "images": 4_000,
    "shrink": 2,
    "num_layers": 1,
    "filters": 8,
    "num_blocks": 3,
    "batch_size": 64,
    "rounds": 6,
    "children": 2,
    "epochs": 6,
    "recipe": "micro_small",
    "child_layers": 3,
    "child_filters": 8,
    "published": {"num_layers": 1, "filters": 4},
    "first_cycle": 2,
    "weight_decay": 2e-4,
    "controller": {"controller_updates": 10, "samples_per_update": 10},
}
PUBLISHED = ["ENAS_MICRO", "NASNET_A", "AMOEBANET_A", "PNASNET_5", "DARTS"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="16x16 images, 3 cells of 3 blocks")
    parser.add_argument(
        "--published", choices=PUBLISHED, help="train this architecture, do not search"
    )
    add_options(parser, ["micro", "micro_cutout", "micro_small"])
    parser.add_argument("--output", default="runs/cifar10_micro", help="folder for all files")
    arguments = parser.parse_args()
    settings = overridden(SMALL if arguments.small else PAPER, arguments)

    data = prepare(*load(arguments.data), settings["images"], settings["shrink"])
    keras.utils.set_random_seed(arguments.seed)
    if arguments.published:
        name, space = arguments.published, keras_enas.HyperMicroCNN
        return train_published(name, space, settings, data, arguments.output)

    training, validation, test = data
    dataset = shifted_and_flipped(*training, arguments.seed, settings["batch_size"])

    # The optimizer counts steps through all rounds, so the schedule does too.
    schedule = keras.optimizers.schedules.CosineDecayRestarts(
        0.05, first_decay_steps=settings["first_cycle"] * len(dataset), t_mul=2.0, alpha=0.01
    )
    hypermodel = keras_enas.HyperMicroCNN(
        training[0].shape[1:],
        num_classes=10,
        num_layers=settings["num_layers"],
        filters=settings["filters"],
        num_blocks=settings["num_blocks"],
        child_layers=settings["child_layers"],
        child_filters=settings["child_filters"],
        child_form="final",
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
    tuner.search(dataset, validation_data=validation, batch_size=settings["batch_size"])
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
