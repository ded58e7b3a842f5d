"""From the arguments of `search` to checked training and validation data."""

import numpy as np
import tensorflow as tf

from keras_enas.tuner import checks
from keras_enas.tuner.data import (
    TrainingData,
    ValidationData,
    as_dataset,
    check_arrays,
    check_batches,
    check_dataset,
    check_labels,
    split,
)


def prepare(
    network,
    seed,
    x,
    y,
    validation_data,
    validation_split,
    sample_weight,
    batch_size,
    shuffle,
    steps_per_epoch,
    validation_batch_size,
    validation_steps,
    least,
):
    """Checks what `search` was given against the network.

    Args:
        network: Callable that returns the compiled network of the supergraph; it
            is called when all has been checked that can be checked without.
        seed: Integer, of the order of examples.
        x: As in `ENASTuner.search`, like all that follow but the last.
        least: Integer, what a validation batch must have if `validation_batch_size` does
            not say.

    Returns:
        Tuple of `TrainingData` and `ValidationData`.

    Raises:
        ValueError: If the data do not fit; it names the argument.
    """
    x, validation_data = map(as_dataset, (x, validation_data))
    is_dataset = isinstance(x, tf.data.Dataset)
    if is_dataset:
        if y is not None or sample_weight is not None or validation_split:
            raise ValueError(
                "`x` is a dataset: put labels and weights into it, and give "
                "`validation_data` instead of `validation_split`."
            )
        check_dataset("x", x, "steps_per_epoch", steps_per_epoch)
    else:
        check_arrays("x, y", x, y, sample_weight)
        if validation_split and validation_data is None:
            parts = split(x, y, sample_weight, validation_split)
            (x, y, sample_weight), validation_data = parts
    if validation_data is None:
        raise ValueError(
            "`validation_data` or `validation_split` is needed: architectures are rewarded by "
            "what they score on data that the weights are not trained on."
        )
    check_validation(validation_data, validation_steps)
    network = network()
    if is_dataset:
        check_batches("x", x, network)
    else:
        check_labels("y", y, network)
    check_validation_labels(network, validation_data)
    return (
        TrainingData(x, y, sample_weight, batch_size, shuffle, seed, steps_per_epoch),
        ValidationData(
            validation_data,
            validation_batch_size or batch_size,
            seed,
            validation_steps,
            1 if validation_batch_size else least,
        ),
    )


def validation_of(tuner, validation_data, batch_size):
    """The `ValidationData` given, or that of the search.

    Args:
        tuner: An `ENASTuner`.
        validation_data: As in `search`, or None.
        batch_size: Integer, or None: 32, or what the reward needs if that is more.
    """
    if validation_data is not None:
        validation_data = as_dataset(validation_data)
        check_validation(validation_data)
        check_validation_labels(tuner.supergraph.network, validation_data)
        least = checks.least_batch(tuner.reward_function) if batch_size is None else 1
        validation = ValidationData(
            validation_data, batch_size or 32, tuner.oracle.seed, least=least
        )
        checks.check_reward_on(tuner.reward_function, tuner.supergraph.network, validation.batches)
        return validation
    if tuner.search_data is None:
        raise ValueError("`validation_data` is needed: this process has not searched.")
    return tuner.search_data[1]


def check_validation(validation_data, steps=None):
    """Checks the form of validation data; `ValueError` says what does not fit."""
    if isinstance(validation_data, tf.data.Dataset):
        check_dataset("validation_data", validation_data, "validation_steps", steps)
        return
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
        raise ValueError(
            "`validation_data` must be (x, y), (x, y, sample_weight) or a dataset. "
            f"Received: {type(validation_data)}."
        )
    check_arrays("validation_data", *validation_data)


def check_validation_labels(network, validation_data):
    """Checks the labels of validation data against the network."""
    if isinstance(validation_data, tf.data.Dataset):
        check_batches("validation_data", validation_data, network)
    else:
        check_labels("validation_data", validation_data[1], network)


def check_metric(supergraph, objective, batch):
    """Checks that the network has the objective's metric; needs a batch to build metrics on."""
    supergraph.prepare(batch)
    found = supergraph.network.get_metrics_result()
    names = [name for name, value in found.items() if not np.ndim(value)]
    wanted = objective.name.removeprefix("val_")
    if wanted in found and wanted not in names:
        raise ValueError(
            f"`objective` is '{objective.name}', but the metric '{wanted}' is no scalar: it has "
            f"the shape {tuple(np.shape(found[wanted]))}. Compile the model with one that is, "
            "such as `keras.metrics.F1Score(average='macro')`."
        )
    if wanted not in names:
        raise ValueError(
            f"`objective` is '{objective.name}', but the model has no metric "
            f"'{wanted}'. It has {names}: compile it with the metric, or choose the objective "
            f"among {['val_' + name for name in names]}."
        )
