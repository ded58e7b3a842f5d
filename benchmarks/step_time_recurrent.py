"""What a step of the recurrent supergraph costs, against the same cells as standalone children.

    python benchmarks/step_time_recurrent.py                 # all configurations (15 minutes)
    python benchmarks/step_time_recurrent.py --config 12x200x64x1000 --json
    python benchmarks/step_time_recurrent.py --quick         # does it run? (figures mean little)

`HyperRecurrentLM` with its default dropout and optimizer on random tokens; a configuration is
nodes x units x streams x vocabulary, at `--steps` of back-propagation (35, as in the paper). The
child is `hypermodel.build(...)` of the same decisions, a keras_enas layer too. `--stock` adds the
child whose cell runs in `keras.layers.RNN` with TensorFlow's own gradient, as one would write it
(all three then without dropout of states).
How times are taken: see `step_time_turns.py`.
"""

import argparse
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
from step_time_turns import first_step, milliseconds, note, take_turns

from keras_enas import HyperRecurrentLM, Supergraph
from keras_enas.layers import Recurrent
from keras_enas.text import stream_batches

CONFIGS = ("12x200x64x1000", "12x200x64x10000", "9x128x32x1000", "12x128x32x1000")


def stock_of(child):
    """The child with the cell in Keras' own recurrent layer."""

    def call(layer, *args, **kwargs):
        if isinstance(layer, Recurrent):
            layer = keras.layers.RNN(layer.cell, return_sequences=True)
        return layer(*args, **kwargs)

    stock = keras.models.clone_model(child, call_function=call, clone_function=_copy)
    stock.compile_from_config(child.get_compile_config())
    return stock


def _copy(layer):
    return type(layer).from_config(layer.get_config())


def measure_recurrent(config, architectures=5, turns=6, steps=4, bptt=35, stock=False):
    """Times a step of the supergraph and of the children of the same architectures.

    Args:
        config: String, nodes x units x streams x vocabulary.
        architectures: Integer, how many random ones.
        turns: Integer, turns of each model.
        steps: Integer, steps counted in a turn.
        bptt: Integer, tokens of a row.
        stock: Boolean, whether to time Keras' own recurrent layer too; then
            nothing has dropout of states.

    Returns:
        Dict: `recurrent_step_vs_child` (the mean over the architectures of each
        kind, divided), `recurrent_first_step_vs_child`, milliseconds and ratios.
    """
    nodes, units, streams, vocabulary = map(int, config.split("x"))
    tokens = np.random.default_rng(0).integers(0, vocabulary, streams * (bptt * (steps + 1) + 1))
    dataset = stream_batches(tokens, streams, bptt).cache()
    one = stream_batches(tokens[: streams * (bptt + 1)], streams, bptt)
    # Keras' layer has no dropout for the states of a cell.
    hypermodel = HyperRecurrentLM(vocabulary, nodes, units, state_dropout=0.0 if stock else 0.25)
    # The first network of a process pays for loading TensorFlow's parts.
    small = HyperRecurrentLM(10, 2, 4).build(keras_tuner.HyperParameters())
    small.fit(stream_batches(tokens % 10, 4, 5).take(2), shuffle=False, verbose=0)
    supergraph, first = first_step(lambda: Supergraph(hypermodel, seed=0), one)
    table, firsts = [], []
    for indices in supergraph.space.random(architectures, np.random.default_rng(1)):
        architecture = supergraph.space.architecture(indices)
        supergraph.set_architectures(indices)
        models = {"supergraph": supergraph}
        models["child"], seconds = first_step(
            lambda a=architecture: hypermodel.build(a.to_hyperparameters()), one
        )
        firsts.append(seconds)
        if stock:
            child = models["child"]
            models["keras.layers.RNN"], _ = first_step(lambda c=child: stock_of(c), one)
        table.append(take_turns(models, dataset, turns))
        note(f"{config}, {architecture}: {table[-1]}")
    mean = {key: float(np.mean([row[key] for row in table])) for key in table[0]}
    return {
        "recurrent_step_vs_child": mean["supergraph"] / mean["child"],
        "recurrent_first_step_vs_child": first / float(np.median(firsts)),
        "step_vs": {key: mean["supergraph"] / value for key, value in mean.items()},
        "step_vs_child_each": [row["supergraph"] / row["child"] for row in table],
        "milliseconds": milliseconds(mean),
        "first_step_seconds": {"supergraph": first, "child": float(np.median(firsts))},
        "train_traces": supergraph.train_traces,
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", nargs="+", default=list(CONFIGS))
    parser.add_argument("--architectures", type=int, default=5)
    parser.add_argument("--turns", type=int, default=6, help="turns of each model")
    parser.add_argument("--counted", type=int, default=4, help="steps counted in a turn")
    parser.add_argument("--steps", type=int, default=35, help="tokens of a row")
    parser.add_argument("--threads", type=int, default=1, help="of TensorFlow; 0: its default")
    parser.add_argument("--stock", action="store_true", help="also Keras' own recurrent layer")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="one small configuration")
    args = parser.parse_args(arguments)
    if args.quick:
        args.config, args.architectures, args.turns, args.counted = ["4x16x4x50"], 2, 2, 2
    if args.threads:
        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
        tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    results = {
        config: measure_recurrent(
            config, args.architectures, args.turns, args.counted, args.steps, args.stock
        )
        for config in args.config
    }
    if args.json:
        print(json.dumps({**results, "settings": vars(args)}, indent=1))
        return
    for config, result in results.items():
        ratio = result["recurrent_step_vs_child"]
        print(
            f"{config}: step / child's {ratio:.3f} ({'reached' if ratio <= 1.1 else 'MISSED'}: "
            f"<= 1.10), first step {result['recurrent_first_step_vs_child']:.2f}, "
            f"ms { ({k: round(v, 1) for k, v in result['milliseconds'].items()}) }, "
            f"traces {result['train_traces']}"
        )


if __name__ == "__main__":
    main()
