"""Searches a cell of your own, of which a network is stacked, on handwritten digits.

    python examples/custom_cells.py                            # under 2 minutes on 2 cores
    python examples/custom_cells.py --rounds 2 --children 1    # the shortest setting

A node of the cell takes one tensor that stands before it in the cell, the outputs of the two cells
before or an earlier node, and does one operation to it. While weights are shared a convolution has
weights of its own for every tensor that it may take (`Keyed`). What no node takes is joined
(`LooseEnds`): the output of the cell. All cells have one architecture, since they give their
choices the same names, and each has its own weights.

The data are those of quickstart.py, in three parts: for training, for choosing, for a last look.
"""

import argparse
import os
import time

# First: it says how many threads TensorFlow takes.
from quickstart import BATCH_SIZE, digits

# isort: split
import keras
import keras_tuner
import tensorflow as tf

import keras_enas
from keras_enas import InputChoice, Keyed, LooseEnds, OpChoice


def normalization():
    # A child trains for a few hundred steps: Keras's 0.99 would not have settled by then.
    return keras.layers.BatchNormalization(momentum=0.9)


class HyperCells(keras_tuner.HyperModel):
    """A stem, cells with a pooling after the first, a softmax."""

    def __init__(self, num_cells=3, num_nodes=3, filters=16):
        super().__init__()
        self.num_cells, self.num_nodes, self.filters = num_cells, num_nodes, filters

    def build(self, hp):
        inputs = keras.Input((8, 8, 1))
        before = x = keras.layers.Conv2D(self.filters, 3, padding="same")(inputs)
        for number in range(self.num_cells):
            before, x = x, self.cell(hp, [before, x])
            if number == 0:
                before, x = (keras.layers.MaxPooling2D()(tensor) for tensor in (before, x))
        x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
        model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))
        optimizer = keras.optimizers.Adam(0.01)
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def cell(self, hp, nodes):
        names = [f"node_{i}/input" for i in range(self.num_nodes)]
        for i in range(self.num_nodes):
            with hp.name_scope(f"node_{i}"):
                x, nodes = InputChoice(hp, "input", pass_on=True)(nodes)
                x = OpChoice(hp, "op", self.operations(hp))(x)
            nodes = [*nodes, x]
        # A 1x1 convolution of each loose end, added up.
        x = LooseEnds(hp, names, lambda: keras.layers.Conv2D(self.filters, 1))(nodes)
        return normalization()(x)

    def operations(self, hp):
        def separable(size):
            return keras.Sequential(
                [
                    keras.layers.ReLU(),
                    keras.layers.SeparableConv2D(self.filters, size, padding="same"),
                    normalization(),
                ]
            )

        return {
            # "input" is the choice above: a row of weights for each tensor that it may take.
            "sep3": lambda: Keyed(hp, "input", lambda: separable(3)),
            "sep5": lambda: Keyed(hp, "input", lambda: separable(5)),
            "max3": lambda: keras.layers.MaxPooling2D(3, strides=1, padding="same"),
            "identity": lambda: keras.layers.Identity(),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="rounds of the search")
    parser.add_argument("--children", type=int, default=2, help="trained of each kind at the end")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="runs/custom_cells", help="folder for all files")
    arguments = parser.parse_args()
    cpu = time.process_time()
    (x, y), validation, test = digits()

    tuner = keras_enas.ENASTuner(
        HyperCells(),
        objective="val_accuracy",
        max_trials=arguments.rounds,
        warmup_rounds=min(3, arguments.rounds - 1),
        seed=arguments.seed,
        directory=arguments.output,
        project_name=f"digits-{arguments.rounds}-rounds-seed-{arguments.seed}",
    )
    print(f"Searching {tuner.space}")
    tuner.search(x, y, validation_data=validation, batch_size=BATCH_SIZE)

    # The cells that were found and random ones, trained alike from scratch.
    retrained = tuner.retrain(
        x,
        y,
        validation_data=validation,
        test_data=test,
        epochs=8,
        batch_size=BATCH_SIZE,
        top=arguments.children,
        random_baseline=arguments.children,
    )

    drawing = os.path.join(tuner.project_dir, "best_architecture.png")
    keras_enas.plot_architecture(retrained.architecture, drawing)
    print(f"Drawing: {drawing}")
    saved = os.path.join(tuner.project_dir, "best_model")
    print(f"SavedModel: {saved}")
    loaded = tf.saved_model.load(saved)
    read = loaded.serve(test[0][:1])[0].numpy().argmax()
    print(f"Loaded again, it reads the first test image as {read} (labelled {test[1][0]}).")
    print(f"Done, {time.process_time() - cpu:.0f} s of CPU time.")


if __name__ == "__main__":
    main()
