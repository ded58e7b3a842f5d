"""What a user would pick instead: KerasTuner's own tuners on the same hypermodel and images.

Each child is built, traced and trained by itself. The learning rate falls along a cosine within
each training, as it does in the second opinions of our own search.
"""

import contextlib
import time

import keras
import keras_tuner
from keras_tuner.errors import FatalError
from nasbench201_space import hypermodel_of


class Spent(FatalError):
    """The CPU time of a search is spent. KerasTuner lets only such errors end a search."""


class WithCosine(keras_tuner.HyperModel):
    """A hypermodel whose children's learning rate falls within each training.

    Args:
        hypermodel: A `HyperNASBench201`.
        epochs: Integer, of each training that Hyperband does not say more of.
        steps: Integer, steps in an epoch.
    """

    def __init__(self, hypermodel, epochs, steps):
        super().__init__()
        self._hypermodel = hypermodel
        self._epochs = epochs
        self._steps = steps

    def build(self, hp):
        model = self._hypermodel.build(hp)
        # Hyperband goes on with what it trained before.
        first = hp.values.get("tuner/initial_epoch", 0)
        epochs = hp.values.get("tuner/epochs", self._epochs) - first
        rate = self._hypermodel.learning_rate
        schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * self._steps)
        config = {**model.optimizer.get_config(), "learning_rate": schedule}
        optimizer = keras.optimizers.SGD.from_config(config)
        model.compile(optimizer, model.loss, metrics=["accuracy"])
        return model


def search(method, seed, settings, table, data, folder):
    """Searches as a user of KerasTuner would, and looks up what came of it.

    Args:
        method: String, one of `METHODS`.
        seed: Integer.
        settings: Dict as in `nasbench201_settings.py`.
        table: The `Table`; of it the search is given latencies, if it has a target, and
            nothing else.
        data: What `nasbench201_data.load` returned.
        folder: String, of the search.

    Returns:
        Dict: the cell with the best objective when the time was spent, its truth,
        the truth of the best so far by CPU seconds, and how many trainings.
    """
    began = time.process_time()
    (x, y), validation = data
    hypermodel = hypermodel_of(settings, x)
    epochs = settings["stock_epochs"]
    if method != "stock hyperband":
        x, y, epochs = whole_epochs(x, y, epochs)
    # Keras's fit has a last batch with what is left.
    steps = -(-len(x) // settings["batch"])
    seconds, curve = 60.0 * settings["budget_minutes"], []

    class Timed(METHODS[method]):
        def on_trial_end(self, trial):
            super().on_trial_end(trial)
            spent = time.process_time() - began
            if spent > seconds:
                raise Spent
            best = self.oracle.get_best_trials(1)[0]
            values = best.hyperparameters.values
            curve.append((spent, {name: values[name] for name in names}))

    names = [decision.name for decision in table.space]
    arguments = {
        "objective": f"val_{settings['objective']}",
        "seed": seed,
        "directory": folder,
        "project_name": "search",
        "overwrite": True,
    }
    if method == "stock hyperband":
        arguments.update(max_epochs=settings["hyperband_epochs"], hyperband_iterations=100)
    else:
        arguments.update(max_trials=10_000)
    if settings["latency_target"]:
        only_near(settings, table, names)
    tuner = Timed(WithCosine(hypermodel, epochs, steps), **arguments)
    fit = {} if method == "stock hyperband" else {"epochs": epochs}
    with contextlib.suppress(Spent):
        tuner.search(
            x,
            y,
            validation_data=validation,
            batch_size=settings["batch"],
            validation_batch_size=500,
            verbose=0,
            **fit,
        )
    if not curve:
        raise SystemExit(
            f"--budget-minutes {settings['budget_minutes']}: no training of '{method}' ends in it."
        )
    found = [(spent, table.space.from_values(values)) for spent, values in curve]
    best = found[-1][1]
    return {
        "architecture": str(best),
        "text": hypermodel.text_of(best),
        "truth": table.true_accuracy(best),
        "latency": table.latency(best, settings),
        "cpu_seconds": curve[-1][0],
        "trainings": len(curve),
        "curve": [[spent, table.true_accuracy(one)] for spent, one in found],
    }


def whole_epochs(x, y, epochs):
    """Makes a part of an epoch one of so much of the images; returns images, labels, epochs."""
    if epochs < 1:
        x, y = x[: round(epochs * len(x))], y[: round(epochs * len(y))]
    return x, y, max(round(epochs), 1)


def only_near(settings, table, names):
    """Makes random search draw again what is not within 5 % of the target."""
    oracle = keras_tuner.oracles.RandomSearchOracle
    draw, target = oracle._random_values, settings["latency_target"]

    def near(self):
        while True:
            values = draw(self)
            # The first draws only find out what the space is.
            if values is None or not set(names) <= set(values):
                return values
            architecture = table.space.from_values({name: values[name] for name in names})
            if abs(table.latency(architecture, settings) / target - 1) <= 0.05:
                return values

    oracle._random_values = near


METHODS = {
    "stock random": keras_tuner.RandomSearch,
    "stock hyperband": keras_tuner.Hyperband,
    "stock bayesian": keras_tuner.BayesianOptimization,
}
