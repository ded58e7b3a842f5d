"""What a step of the micro supergraph costs, against the same cells as standalone children.

    python benchmarks/step_time_micro.py          # 6+2 cells, 16 filters, batch 64
    python benchmarks/step_time_micro.py --quick         # does it run? (figures mean little)

`HyperMicroCNN` with ENAS's five operations on random pixels. Also
what a reward costs (scoring one architecture on a minibatch) and what
an update of the controller costs (learning from 20 architectures), and peak memory. How times are
taken: see `step_time_turns.py`. The same of NNI: `step_time_nni.py`.
"""

import argparse
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import step_time_spaces as spaces
import tensorflow as tf
from step_time_memory import measure_micro_memory
from step_time_steps import warm_up
from step_time_turns import compare, cpu, first_step, milliseconds, pixels

from keras_enas import ENASOracle, Supergraph
from keras_enas.supergraph import Scorer

# Key, bound of the issue.
BOUNDS = {
    "micro_step_vs_child": 1.10,
    "micro_first_step_vs_child": 2.5,
    "micro_memory_vs_child": 1.5,
}


def measure_steps(args):
    """Supergraph against child: a step, and build with first step."""
    one = pixels(args.batch, 1)
    warm_up()
    hypermodel = spaces.micro(args.filters, args.cells)
    supergraph, first = first_step(lambda: Supergraph(hypermodel, seed=0), one)
    firsts = []

    def models_of(architecture):
        supergraph.set_architectures(architecture.indices)
        child, seconds = first_step(lambda: spaces.child_of(hypermodel, architecture), one)
        firsts.append(seconds)
        return {"supergraph": supergraph, "child": child}

    mean, table = compare("micro", supergraph.space, models_of, args.batch, args)
    return supergraph, {
        "micro_step_vs_child": mean["supergraph"] / mean["child"],
        "micro_first_step_vs_child": first / float(np.median(firsts)),
        "step_vs_child_each": [row["supergraph"] / row["child"] for row in table],
        "milliseconds": milliseconds(mean),
        "first_step_seconds": {"supergraph": first, "child": float(np.median(firsts))},
        "train_traces": supergraph.train_traces,
    }


def measure_rewards(supergraph, args):
    """CPU seconds of one reward and of one update of the controller."""
    scorer = Scorer(supergraph)
    batches = list(pixels(args.batch, 1))
    architectures = supergraph.space.random(args.architectures, np.random.default_rng(2))
    scorer(architectures[0], batches)
    rewards = [cpu(lambda a=a: scorer(a, batches))[1] for a in architectures for _ in range(3)]
    oracle = ENASOracle(objective="val_accuracy", seed=0)
    oracle.set_space(supergraph.space)
    samples = oracle.sample(20)
    earned = np.random.default_rng(3).uniform(size=20)
    oracle.learn(samples, earned)
    updates = [cpu(lambda: oracle.learn(samples, earned))[1] for _ in range(10)]
    return {
        "reward_seconds": float(np.median(rewards)),
        "controller_update_seconds": float(np.median(updates)),
        "score_traces": scorer.traces,
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=6, help="normal cells; two more reduce")
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--architectures", type=int, default=5)
    parser.add_argument("--turns", type=int, default=4, help="turns of each model")
    parser.add_argument("--steps", type=int, default=4, help="steps counted in a turn")
    parser.add_argument("--threads", type=int, default=1, help="of TensorFlow; 0: its default")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="one cell of each kind")
    args = parser.parse_args(arguments)
    if args.quick:
        args.cells, args.filters, args.architectures, args.turns = 1, 4, 2, 2
    if args.threads:
        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
        tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    supergraph, result = measure_steps(args)
    result.update(measure_rewards(supergraph, args))
    result.update(measure_micro_memory(args))
    if args.json:
        print(json.dumps({**result, "settings": vars(args)}, indent=1))
        return
    for key, bound in BOUNDS.items():
        reached = "reached" if result[key] <= bound else "MISSED"
        print(f"{key}: {result[key]:.3f} ({reached}: <= {bound})")
    print({key: value for key, value in result.items() if key not in BOUNDS})


if __name__ == "__main__":
    main()
