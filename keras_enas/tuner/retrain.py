"""Training what was found from scratch, beside random architectures."""

import json
import math
import os
import time

import keras
import numpy as np
import tensorflow as tf

from keras_enas.oracles.checks import check_integer
from keras_enas.training import Recipe
from keras_enas.training.checks import check_fit
from keras_enas.tuner import derivation
from keras_enas.tuner.cost import count_flops, count_parameters
from keras_enas.tuner.data import as_dataset, check_arrays
from keras_enas.tuner.export import export
from keras_enas.tuner.generations import write_json
from keras_enas.tuner.retrained import Retrained, TrainedChild
from keras_enas.tuner.search_data import check_validation, check_validation_labels


def retrain(
    tuner,
    x,
    y=None,
    *,
    validation_data=None,
    test_data=None,
    epochs=None,
    batch_size=None,
    recipe=None,
    top=3,
    random_baseline=2,
    cosine_decay=None,
    callbacks=None,
    seed=None,
    verbose="auto",
    **fit_kwargs,
):
    """Trains the best architectures from scratch, and random ones under the same recipe.

    Writes to the project folder: `best_model.keras` and `best_model/` (a
    SavedModel), both in stock Keras layers (but for a `LanguageModel`'s `.keras`);
    `best_architecture.json`; `results.json`.

    Args:
        tuner: An `ENASTuner` that has searched.
        x: As in `fit`. The batches of a `PyDataset` come in another order in every
            epoch, unless `shuffle=False` is given.
        y: As in `fit`.
        validation_data: As in `fit`. The best child is chosen by it, as were
            the architectures; for an unbiased figure give `test_data`.
        test_data: Optional `(x, y)` or dataset that nothing was chosen by.
        epochs: Optional integer; default 10, or the recipe's.
        batch_size: Optional integer, for arrays; default 32, or the recipe's.
        recipe: Optional `keras_enas.training.Recipe` that every child is trained
            by, in place of the optimizer that it was compiled with.
        top: Integer, how many derived architectures.
        random_baseline: Integer, how many random ones of the same space.
        cosine_decay: Optional boolean, whether the learning rate falls to 0 along
            a cosine, epoch by epoch; default True, unless the optimizer has a
            schedule of its own. A recipe has one: it does not go with it.
        callbacks: Optional callable without arguments that returns a new list
            of callbacks for each child.
        seed: Optional integer; default the tuner's. It draws the random
            architectures and seeds every child alike.
        verbose: 0: nothing; 2: also Keras's progress bar.
        **fit_kwargs: Further arguments of `fit`.

    Returns:
        A `Retrained`.

    Raises:
        ValueError: If an argument does not fit; nothing has been written then.
    """
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
    for name, value, least in (
        ("epochs", epochs, 1),
        ("batch_size", batch_size, 1),
        ("top", top, 1),
        ("random_baseline", random_baseline, 0),
        ("seed", seed, 0),
    ):
        check_integer(name, value, least, optional=name == "seed")
    if callbacks is not None and not callable(callbacks):
        raise ValueError(
            "`callbacks` must be a callable that returns new callbacks for each child, such as "
            "`lambda: [keras.callbacks.TerminateOnNaN()]`."
        )
    is_dataset = isinstance(x, (tf.data.Dataset, keras.utils.PyDataset))
    if is_dataset and fit_kwargs.get("validation_split"):
        raise ValueError(
            "`validation_split` is for arrays, and `x` is a dataset. The children are compared by "
            "`validation_data`: leave it out."
        )
    if is_dataset:
        batch_size = None
    else:
        check_arrays("x, y", x, y, fit_kwargs.get("sample_weight"))
    derivation.require_rounds(tuner)
    # Early: a subclass's own method, which may refuse.
    hypermodel = _of_children(tuner, recipe)
    check_validation(as_dataset(validation_data))
    check_validation_labels(tuner.supergraph.network, as_dataset(validation_data))
    seed = tuner.oracle.seed if seed is None else seed
    derived = [one.architecture for one in derivation.found(tuner, top, "top")]
    chosen = [("derived", one) for one in derived]
    chosen += [
        ("random", one)
        for one in random_others(
            tuner.space, random_baseline, seed, derived, tuner.resources.accepts
        )
    ]
    # As the search scored them, where it is at hand: a score depends on the size of its batches.
    scores = tuner.score(
        [architecture for _, architecture in chosen],
        None if tuner.search_data else validation_data,
        batch_size or 32,
    )
    name = tuner.oracle.objective.name.removeprefix("val_")
    sign = 1.0 if tuner.oracle.objective.direction == "max" else -1.0

    children, best, best_model = [], None, None
    for i, ((origin, architecture), score) in enumerate(zip(chosen, scores, strict=True)):
        if verbose:
            print(f"Training {i + 1}/{len(chosen)} ({origin}): {architecture}", flush=True)
        began = time.process_time()
        keras.utils.set_random_seed(seed)
        model = tuner.build_child(architecture, hypermodel)
        extra = [] if callbacks is None else list(callbacks())
        arguments = {
            "batch_size": batch_size,
            "callbacks": extra,
            "verbose": 1 if verbose == 2 else 0,
            # Keras warns of it for a dataset, which has an order of its own.
            "shuffle": not isinstance(x, tf.data.Dataset),
            **fit_kwargs,
        }
        if recipe is not None:
            # Averaging watches the validation loss.
            if recipe.averaging_patience is not None:
                arguments.setdefault("validation_data", validation_data)
            recipe.fit(model, x, y, seed=seed, **arguments)
            model = recipe.finish(model)
        else:
            if cosine_decay is not False and not _has_schedule(model.optimizer):
                extra.append(cosine(epochs))
            model.fit(x, y, epochs=epochs, **arguments)
        seconds = time.process_time() - began
        trained = _evaluate(model, validation_data, batch_size)[name]
        child = TrainedChild(
            origin=origin,
            architecture=architecture,
            shared_weights=score,
            trained=trained,
            test={} if test_data is None else _evaluate(model, test_data, batch_size),
            parameters=count_parameters(model),
            flops=count_flops(model),
            cpu_seconds=seconds,
            cost=tuner.resources.costs([architecture.indices])[0],
        )
        children.append(child)
        if math.isfinite(trained) and (best is None or sign * trained > sign * best.trained):
            best, best_model = child, model
    if best is None:
        raise ValueError("No child could be trained: every trained score is NaN or infinite.")
    stock = export(best_model, tuner.project_dir)
    retrained = Retrained(stock, best, children, tuner.oracle.objective, tuner.project_dir)
    write_json(
        os.path.join(tuner.project_dir, "best_architecture.json"),
        json.loads(best.architecture.to_json()),
    )
    write_json(os.path.join(tuner.project_dir, "results.json"), retrained.to_dict())
    if verbose:
        retrained.summary()
    return retrained


def _of_children(tuner, recipe):
    """The hypermodel of what is trained; None: the one that was searched."""
    for_children = getattr(tuner.hypermodel, "for_children", None)
    return None if for_children is None else for_children(recipe)


def random_others(space, n, seed, excluded, accepts=lambda indices: True):
    """Draws `n` random architectures that are not among `excluded`, as `Architecture`s.

    Where the cost is minded only those whose indices are accepted: the best of
    all is exported, and the comparison is one at equal cost.
    """
    rng = np.random.default_rng((seed, 0x72616E64))
    known, others = set(excluded), []
    for _ in range(100 * (n + 1)):
        if len(others) == n:
            break
        one = space.architecture(space.random(1, rng)[0])
        if one not in known:
            known.add(one)
            others += [one] if accepts(one.indices) else []
    return others


def cosine(epochs):
    """A callback that lets the learning rate fall to 0 along a cosine."""
    began = {}

    def schedule(epoch, rate):
        began.setdefault("rate", rate)
        return began["rate"] * 0.5 * (1.0 + math.cos(math.pi * epoch / epochs))

    return keras.callbacks.LearningRateScheduler(schedule)


def _has_schedule(optimizer):
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    schedule = keras.optimizers.schedules.LearningRateSchedule
    return isinstance(getattr(inner, "_learning_rate", None), schedule)


def _evaluate(model, data, batch_size):
    if isinstance(data, (tf.data.Dataset, keras.utils.PyDataset)):
        return model.evaluate(data, verbose=0, return_dict=True)
    x, y, *weights = data
    return model.evaluate(
        x,
        y,
        sample_weight=weights[0] if weights else None,
        batch_size=batch_size,
        verbose=0,
        return_dict=True,
    )
