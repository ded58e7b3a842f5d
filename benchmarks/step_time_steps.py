"""Steps of a supergraph against steps of other networks: the parts `steps`, `own` and `twelve`."""

import keras_tuner
import numpy as np
import step_time_spaces as spaces
import step_time_stock as stock
from step_time_turns import compare, first_step, milliseconds, pixels

from keras_enas import Supergraph


def warm_up():
    """The first network of a process pays for loading TensorFlow's parts."""
    model = spaces.OwnSpace(2).build(keras_tuner.HyperParameters())
    model.fit(pixels(4, 2), shuffle=False, verbose=0)


def measure_steps(filters, batch_size, args):
    """Supergraph, child, and both stock children of the same architectures."""
    one = pixels(batch_size, 1)
    warm_up()
    hypermodel = spaces.macro(filters)
    supergraph, first = first_step(lambda: Supergraph(hypermodel, seed=0), one)
    firsts = {"child": [], "stock": [], "stock_export": []}

    def models_of(architecture):
        models = {"supergraph": supergraph}
        supergraph.set_architectures(architecture.indices)
        for key, make in (
            ("child", lambda: spaces.child_of(hypermodel, architecture)),
            ("stock", lambda: stock.by_hand(hypermodel, architecture)),
            ("stock_export", lambda: stock.exported(hypermodel, models["child"])),
        ):
            models[key], seconds = first_step(make, one)
            firsts[key].append(seconds)
        stock.check_same_size(models["child"], models["stock"])
        return models

    mean, table = compare(f"{filters} filters", supergraph.space, models_of, batch_size, args)
    ratios = {key: mean["supergraph"] / value for key, value in mean.items()}
    medians = {key: float(np.median(values)) for key, values in firsts.items()}
    return {
        "step_vs_child": ratios["child"],
        "step_vs_stock": ratios["stock"],
        "step_vs_stock_export": ratios["stock_export"],
        "first_step_vs_stock": first / medians["stock"],
        "step_vs": ratios,
        "milliseconds": milliseconds(mean),
        "step_vs_child_each": [row["supergraph"] / row["child"] for row in table],
        "step_vs_stock_each": [row["supergraph"] / row["stock"] for row in table],
        "first_step_seconds": {"supergraph": first, **medians},
        "train_traces": supergraph.train_traces,
    }


def measure_own(args):
    """A space of stock layers only, its supergraph against its children."""
    filters, batch_size = spaces.CONFIGS["16x64"]
    one = pixels(batch_size, 1)
    hypermodel = spaces.OwnSpace(filters)
    supergraph, _ = first_step(lambda: Supergraph(hypermodel, seed=0), one)

    def models_of(architecture):
        supergraph.set_architectures(architecture.indices)
        child, _ = first_step(lambda: spaces.child_of(hypermodel, architecture), one)
        return {"supergraph": supergraph, "child": child}

    mean, _ = compare("own space", supergraph.space, models_of, batch_size, args)
    return {
        "own_space_step_vs_child": mean["supergraph"] / mean["child"],
        "milliseconds": milliseconds(mean),
    }


def measure_twelve(args):
    """The same architectures in the space of six operations and in one of twelve."""
    filters, batch_size = spaces.CONFIGS["16x64"]
    one = pixels(batch_size, 1)
    graphs = {}
    for key, operations in (("six", None), ("twelve", spaces.TWELVE)):
        hypermodel = spaces.macro(filters, operations)
        graphs[key], _ = first_step(lambda h=hypermodel: Supergraph(h, seed=0), one)

    def models_of(architecture):
        for graph in graphs.values():
            graph.set_architectures(architecture.indices)
        return graphs

    mean, _ = compare("twelve or six", graphs["six"].space, models_of, batch_size, args)
    return {"twelve_vs_six": mean["twelve"] / mean["six"], "milliseconds": milliseconds(mean)}
