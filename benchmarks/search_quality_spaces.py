"""What `search_quality.py` means by a space: its data, hypermodel and recipe.

A space has these; settings are a dict as in `search_quality_sizes.py`:
    title, figure, better: of the table; what a trained child is judged by, and which
        direction of it is better ("max" or "min").
    load(settings, folder): training, validation and test data.
    search_data(settings, data, seed): what `ENASTuner.search` takes.
    hypermodel(settings, learning_rate): a `keras_tuner.HyperModel`.
    tuner(settings): arguments of `ENASTuner` that are the space's own.
    train(settings, model, data): trains a child from scratch, returns it.
    evaluate(settings, model, part): its metrics on validation or test data.
"""

import importlib
import math
import os
import sys

import keras_tuner

import keras_enas as ke
from keras_enas.training import Recipe, micro_small, recurrent_small
from keras_enas.tuner.alone import cosine


class Images:
    """What the spaces of image classifiers have in common: CIFAR-10 at 16x16."""

    figure, better = "accuracy", "max"

    @staticmethod
    def load(settings, folder):
        """Means of 2x2 pixels, standardised by channel: the first images, the last, the test."""
        train, validation = settings["train"], settings["validation"]
        if train + validation > 50_000:
            raise SystemExit(
                "CIFAR-10 has 50,000 images to train and validate. "
                f"Received: --train {train} --validation {validation}."
            )
        sys.path.insert(0, os.path.abspath(folder))
        real_data = importlib.import_module("real_data")
        # Only the batches of 10,000 that are needed: each takes 2 s to unpack.
        first, last = math.ceil(train / 10_000), math.ceil(validation / 10_000)
        batches = sorted({*range(1, first + 1), *range(6 - last, 6)})
        (x, y), (x_test, y_test) = real_data.load_cifar10(batches)
        x, x_test = (a.astype("float32") / 255.0 for a in (x, x_test[: settings["test"]]))
        x, x_test = (a.reshape(-1, 16, 2, 16, 2, 3).mean((2, 4)) for a in (x, x_test))
        mean, deviation = x[:train].mean((0, 1, 2)), x[:train].std((0, 1, 2))
        x, x_test = ((a - mean) / deviation for a in (x, x_test))
        y, y_test = y.reshape(-1).astype("int32"), y_test.reshape(-1).astype("int32")
        end = slice(len(x) - validation, None)
        return (x[:train], y[:train]), (x[end], y[end]), (x_test, y_test[: settings["test"]])

    @staticmethod
    def augmented(settings, train, seed):
        """Training batches, shifted by up to `shift` pixels and mirrored, as in the paper."""
        shift = settings["shift"]
        recipe = Recipe(shift=shift or None, flip=bool(shift), batch_size=settings["batch"])
        return recipe.dataset(*train, seed=seed)

    @staticmethod
    def tuner(settings):
        reward = {"reward": ke.LinearProbe()} if settings["reward"] else {}
        return {"objective": "val_accuracy", **reward}

    def search_data(self, settings, data, seed):
        train, validation, _ = data
        return {
            "x": self.augmented(settings, train, seed),
            "validation_data": validation,
            # Where none is given, what the probe needs.
            "validation_batch_size": None if settings["reward"] else settings["batch"],
        }

    @staticmethod
    def evaluate(settings, model, part):
        return model.evaluate(*part, batch_size=500, verbose=0, return_dict=True)


class Macro(Images):
    """`HyperMacroCNN`."""

    title = "CIFAR-10 at 16x16, macro space"

    @staticmethod
    def hypermodel(settings, learning_rate):
        return ke.HyperMacroCNN(
            (16, 16, 3),
            10,
            num_layers=settings["layers"],
            filters=settings["filters"],
            learning_rate=learning_rate,
        )

    def train(self, settings, model, data):
        # The optimizer of the hypermodel, as `retrain` does without a recipe.
        model.fit(
            self.augmented(settings, data[0], settings["training_seed"]),
            epochs=settings["epochs"],
            shuffle=False,
            verbose=0,
            callbacks=[cosine(settings["epochs"])],
        )
        return model


class Micro(Images):
    """`HyperMicroCNN`, children as large as searched."""

    title = "CIFAR-10 at 16x16, micro space"

    @staticmethod
    def hypermodel(settings, learning_rate):
        return ke.HyperMicroCNN(
            (16, 16, 3),
            10,
            num_layers=settings["layers"],
            filters=settings["filters"],
            num_blocks=settings["blocks"],
            learning_rate=learning_rate,
        )

    @staticmethod
    def recipe(settings):
        """`micro_small` in one cycle, without what pays in long trainings only."""
        return micro_small.replace(
            epochs=settings["epochs"],
            first_cycle=settings["epochs"],
            batch_size=settings["batch"],
            learning_rate=settings["child_learning_rate"],
            shift=settings["shift"] or None,
            flip=bool(settings["shift"]),
            drop_path_keep=None,
            auxiliary_weight=None,
        )

    def train(self, settings, model, data):
        recipe = self.recipe(settings)
        recipe.fit(model, *data[0], seed=settings["training_seed"], verbose=0)
        return recipe.finish(model)


class Recurrent:
    """`HyperRecurrentLM` on the words of Penn Treebank, the rarer ones read as `<unk>`."""

    title = "Penn Treebank, recurrent space"
    figure, better = "perplexity", "min"
    # Architectures are scored from the zero state, batch by batch: longer rows than those of
    # training leave the start less weight.
    scored_steps = 70

    @staticmethod
    def tuner(settings):
        return {
            "objective": keras_tuner.Objective("val_perplexity", "min"),
            "reward": ke.perplexity_reward(),
        }

    @staticmethod
    def load(settings, folder):
        """The first tokens of the three parts, as numbers."""
        packed = os.path.join(folder, "ptb")
        texts = ke.text.read_corpus(packed if os.path.isdir(packed) else folder)
        words = ke.text.Vocabulary.of(texts[0], size=settings["vocabulary"])
        sizes = [settings[part] for part in ("train", "validation", "test")]
        return tuple(words.encode(text)[:n] for text, n in zip(texts, sizes, strict=True))

    def search_data(self, settings, data, seed):
        return {
            "x": ke.text.stream_batches(data[0], settings["batch"], settings["steps"]),
            "validation_data": ke.text.stream_batches(
                data[1], settings["batch"], self.scored_steps
            ),
        }

    @staticmethod
    def hypermodel(settings, learning_rate):
        # Small nets that are trained shortly need less dropout than the paper's.
        return ke.HyperRecurrentLM(
            settings["vocabulary"],
            num_nodes=settings["nodes"],
            units=settings["units"],
            learning_rate=learning_rate,
            word_dropout=0.0,
            embedding_dropout=0.1,
            input_dropout=0.1,
            state_dropout=0.1,
            output_dropout=0.2,
        )

    @staticmethod
    def recipe(settings):
        """`recurrent_small` with a falling rate: too few epochs for a mean of weights."""
        return recurrent_small.replace(
            epochs=settings["epochs"],
            first_cycle=settings["epochs"],
            batch_size=settings["batch"],
            learning_rate=settings["child_learning_rate"],
            averaging_patience=None,
        )

    def train(self, settings, model, data):
        recipe = self.recipe(settings)
        batches = ke.text.stream_batches(data[0], settings["batch"], settings["steps"])
        recipe.fit(model, batches, shuffle=False, verbose=0)
        return recipe.finish(model)

    def evaluate(self, settings, model, part):
        # Every token counts, and states are carried.
        batches = ke.text.stream_batches(
            part, settings["batch"], self.scored_steps, drop_remainder=False
        )
        return model.evaluate(batches, verbose=0, return_dict=True)


SPACES = {"macro": Macro(), "micro": Micro(), "recurrent": Recurrent()}
