"""Training a child by itself: what `retrain` and `rank_correlation` have in common."""

import math
import time

import keras
import keras_tuner
import tensorflow as tf

from keras_enas.oracles.checks import check_integer
from keras_enas.training import Recipe
from keras_enas.training.checks import check_fit
from keras_enas.tuner.checks import least_batch
from keras_enas.tuner.data import as_dataset, check_arrays
from keras_enas.tuner.fingerprint import fingerprint_of_children
from keras_enas.tuner.search_data import check_validation, check_validation_labels, validation_of


class TrainingAlone:
    """One way of training children by themselves, on one set of data.

    Args:
        tuner: An `ENASTuner`.
        x: As in `fit`.
        y: As in `fit`.
        validation_data: As in `fit`; the children are compared by it.
        epochs: Optional integer; default 10, or the recipe's.
        batch_size: Optional integer, for arrays; default 32, or the recipe's.
        recipe: Optional `keras_enas.training.Recipe`.
        cosine_decay: Optional boolean; see `retrain`.
        callbacks: Optional callable that returns a new list of callbacks.
        seed: Optional integer; default the tuner's. It seeds every child alike.
        verbose: 2: Keras's progress bar.
        fit_kwargs: Dict of further arguments of `fit`.

    Raises:
        ValueError: If an argument does not fit.
    """

    def __init__(
        self,
        tuner,
        x,
        y,
        *,
        validation_data,
        epochs=None,
        batch_size=None,
        recipe=None,
        cosine_decay=None,
        callbacks=None,
        seed=None,
        verbose="auto",
        fit_kwargs=None,
    ):
        fit_kwargs, given_size = fit_kwargs or {}, batch_size
        if validation_data is None:
            raise ValueError("`validation_data` is needed to compare the trained children.")
        if recipe is None:
            epochs = 10 if epochs is None else epochs
            batch_size = 32 if batch_size is None else batch_size
        elif not isinstance(recipe, Recipe):
            raise ValueError(
                "`recipe` must be a `keras_enas.training.Recipe`, such as "
                f"`keras_enas.training.macro_small`. Received: recipe={recipe!r}."
            )
        elif cosine_decay is not None:
            raise ValueError(
                "`cosine_decay` does not go with `recipe`, which has a schedule: use "
                "`recipe.replace(first_cycle=...)`, None for a constant rate. "
                f"Received: cosine_decay={cosine_decay}."
            )
        else:
            check_fit(fit_kwargs)
            recipe = recipe if epochs is None else recipe.replace(epochs=epochs)
            epochs = recipe.epochs
            batch_size = recipe.batch_size if batch_size is None else batch_size
        check_integer("epochs", epochs, 1)
        check_integer("batch_size", batch_size, 1)
        check_integer("seed", seed, 0, optional=True)
        if callbacks is not None and not callable(callbacks):
            raise ValueError(
                "`callbacks` must be a callable that returns new callbacks for each child, such as "
                "`lambda: [keras.callbacks.TerminateOnNaN()]`."
            )
        is_dataset = isinstance(x, (tf.data.Dataset, keras.utils.PyDataset))
        if is_dataset and fit_kwargs.get("validation_split"):
            raise ValueError(
                "`validation_split` is for arrays, and `x` is a dataset. The children are compared "
                "by `validation_data`: leave it out."
            )
        if is_dataset:
            batch_size = given_size = None
        else:
            check_arrays("x, y", x, y, fit_kwargs.get("sample_weight"))
        self.tuner = tuner
        self.x, self.y, self.validation_data = x, y, validation_data
        self.epochs, self.batch_size, self.recipe = epochs, batch_size, recipe
        self.seed = tuner.oracle.seed if seed is None else seed
        self._given_size = given_size
        self._cosine_decay = cosine_decay
        self._callbacks = callbacks
        self._verbose = 1 if verbose == 2 else 0
        self._fit_kwargs = fit_kwargs
        # Early: a subclass's own method, which may refuse.
        for_children = getattr(tuner.hypermodel, "for_children", None)
        # None: the one that was searched.
        self._hypermodel = None if for_children is None else for_children(recipe)

    def fingerprint(self):
        """What the children are, whatever their architecture; see `fingerprint.py`."""
        return fingerprint_of_children(
            self.tuner.space, lambda one: self.tuner.build_child(one, self._hypermodel)
        )

    def check_validation(self):
        """Raises `ValueError` if the validation data do not fit the network."""
        data = as_dataset(self.validation_data)
        if self.tuner.search_data:
            check_validation(data)
            check_validation_labels(self.tuner.supergraph.network, data)
        else:
            # They will be scored on these, after all training.
            validation_of(self.tuner, data, self._scored_by())

    def train(self, architecture):
        """Trains the child of an `Architecture`.

        Returns:
            The trained `keras.Model`, and the CPU seconds of building and training it.
        """
        began = time.process_time()
        keras.utils.set_random_seed(self.seed)
        model = self.tuner.build_child(architecture, self._hypermodel)
        extra = [] if self._callbacks is None else list(self._callbacks())
        arguments = {"callbacks": extra, "verbose": self._verbose, **self._fit_kwargs}
        if isinstance(self.x, tf.data.Dataset):
            # Keras warns of it for a dataset, which has an order of its own.
            arguments.setdefault("shuffle", False)
        hypermodel = self._hypermodel or self.tuner.hypermodel
        if self._watches(hypermodel) and not self._fit_kwargs.get("validation_split"):
            arguments["validation_data"] = self.validation_data
        if self.recipe is not None:
            arguments["batch_size"] = self.batch_size
            self.recipe.fit(model, self.x, self.y, seed=self.seed, **arguments)
            model = self.recipe.finish(model)
        else:
            if self._cosine_decay is not False and not has_schedule(model.optimizer):
                extra.append(cosine(self.epochs))
            # Only what was given: a `fit` of the hypermodel's may have its own size of batches, or
            # take a dataset alone.
            if self._given_size is not None:
                arguments["batch_size"] = self._given_size
            data = (self.x,) if self.y is None else (self.x, self.y)
            hp = architecture.to_hyperparameters(self.tuner.oracle.get_space())
            hypermodel.fit(hp, model, *data, epochs=self.epochs, **arguments)
        return model, time.process_time() - began

    def _watches(self, hypermodel):
        """Whether anything in a training may look at validation data; else they cost time only."""
        averages = self.recipe is not None and self.recipe.averaging_patience is not None
        own_fit = self.recipe is None and type(hypermodel).fit is not keras_tuner.HyperModel.fit
        return averages or own_fit or self._callbacks is not None

    def evaluate(self, model, data):
        """Returns the metrics of a model on `(x, y)`, `(x, y, sample_weight)` or a dataset."""
        if isinstance(data, (tf.data.Dataset, keras.utils.PyDataset)):
            return model.evaluate(data, verbose=0, return_dict=True)
        x, y, *weights = data
        return model.evaluate(
            x,
            y,
            sample_weight=weights[0] if weights else None,
            batch_size=self.batch_size,
            verbose=0,
            return_dict=True,
        )

    def objective(self, model):
        """Returns what a model attains of the tuner's objective on the validation data."""
        name = self.tuner.oracle.objective.name.removeprefix("val_")
        return self.evaluate(model, self.validation_data)[name]

    def shared_weight_scores(self, architectures):
        """Returns the `Score` of each `Architecture` with the shared weights."""
        # As the search scored them, where it is at hand: a score depends on the size of its
        # batches.
        return self.tuner.score(
            architectures,
            None if self.tuner.search_data else self.validation_data,
            self._scored_by(),
        )

    def _scored_by(self):
        """The size of validation batches: that of training, unless the reward needs more."""
        size = self.batch_size or 32
        return size if size >= least_batch(self.tuner.reward_function) else None


def cosine(epochs):
    """A callback that lets the learning rate fall to 0 along a cosine."""
    began = {}

    def schedule(epoch, rate):
        began.setdefault("rate", rate)
        return began["rate"] * 0.5 * (1.0 + math.cos(math.pi * epoch / epochs))

    return keras.callbacks.LearningRateScheduler(schedule)


def has_schedule(optimizer):
    """Whether an optimizer's learning rate is a schedule of its own."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    schedule = keras.optimizers.schedules.LearningRateSchedule
    return isinstance(getattr(inner, "_learning_rate", None), schedule)
