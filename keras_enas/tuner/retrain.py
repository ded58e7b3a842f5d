"""Training what was found from scratch, beside random architectures."""

import json
import math
import os

import numpy as np

from keras_enas.cost import count_flops, count_parameters
from keras_enas.oracles.checks import check_integer
from keras_enas.tuner import derivation
from keras_enas.tuner.alone import TrainingAlone
from keras_enas.tuner.export import export
from keras_enas.tuner.generations import write_json
from keras_enas.tuner.retrained import Retrained, TrainedChild


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
            of callbacks for each child, which may watch the validation data.
        seed: Optional integer; default the tuner's. It draws the random
            architectures and seeds every child alike.
        verbose: 0: nothing; 2: also Keras's progress bar.
        **fit_kwargs: Further arguments of `fit`. Without a recipe it is the hypermodel's
            own `fit(hp, model, ...)`.

    Returns:
        A `Retrained`.

    Raises:
        ValueError: If an argument does not fit; nothing has been written then.
    """
    alone = TrainingAlone(
        tuner,
        x,
        y,
        validation_data=validation_data,
        epochs=epochs,
        batch_size=batch_size,
        recipe=recipe,
        cosine_decay=cosine_decay,
        callbacks=callbacks,
        seed=seed,
        verbose=verbose,
        fit_kwargs=fit_kwargs,
    )
    check_integer("top", top, 1)
    check_integer("random_baseline", random_baseline, 0)
    derivation.require_rounds(tuner)
    alone.check_validation()
    derived = [one.architecture for one in derivation.found(tuner, top, "top")]
    chosen = [("derived", one) for one in derived]
    chosen += [
        ("random", one)
        for one in random_others(
            tuner.space, random_baseline, alone.seed, derived, tuner.resources.accepts
        )
    ]
    scores = alone.shared_weight_scores([architecture for _, architecture in chosen])
    sign = 1.0 if tuner.oracle.objective.direction == "max" else -1.0

    children, best, best_model = [], None, None
    for i, ((origin, architecture), score) in enumerate(zip(chosen, scores, strict=True)):
        if verbose:
            print(f"Training {i + 1}/{len(chosen)} ({origin}): {architecture}", flush=True)
        model, seconds = alone.train(architecture)
        trained = alone.objective(model)
        child = TrainedChild(
            origin=origin,
            architecture=architecture,
            shared_weights=score,
            trained=trained,
            test={} if test_data is None else alone.evaluate(model, test_data),
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
