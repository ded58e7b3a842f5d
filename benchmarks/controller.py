"""What the controller learns, and how fast, where the best architecture is known.

No network is trained: the reward is a formula of the architecture plus noise.

    python benchmarks/controller.py            # the table of benchmarks/README.md
    python benchmarks/controller.py --json     # the same as one JSON object
"""

import argparse
import functools
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_tuner
import numpy as np
import tensorflow as tf

from keras_enas import HyperMacroCNN
from keras_enas.oracles import ENASOracle, RandomOracle
from keras_enas.search_space import recorded_space

NUM_LAYERS, NUM_OPS = 12, 6

# Policies: arguments of ENASOracle. The published settings as they are, then one step at a time
# from them to the default.
POLICIES = {
    "random": None,
    "default": {},
    "paper": {"profile": "paper"},
    "released code": {"profile": "released_code"},
    "paper, lr 0.0035, entropy 1e-4": {
        "profile": "paper",
        "learning_rate": 0.0035,
        "entropy_weight": 1e-4,
    },
    "paper, normalised advantages, lr 0.001": {
        "profile": "paper",
        "advantage": "normalised",
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "entropy_in": "loss",
        "entropy_weight": 0.01,
    },
}


# Not as soon as the file is read: it builds a network, and then the threads are as they are.
@functools.cache
def macro_space():
    """The paper's macro space as its hypermodel has it: 78 decisions."""
    hp = keras_tuner.HyperParameters()
    HyperMacroCNN((32, 32, 3), 10, num_layers=NUM_LAYERS, filters=2).build(hp)
    return recorded_space(hp)


def operations_of(architectures):
    """The columns of architectures `(n, decisions)` that choose operations: `(n, layers)`."""
    return architectures[:, [decision.kind == "op" for decision in macro_space()]]


def planted(rng):
    """Share of the decisions that are those of a hidden architecture."""
    hidden = macro_space().random(1, rng)[0]
    return lambda architectures: (architectures == hidden).mean(axis=1)


def pairs(rng, distance=1):
    """Share of the pairs of layers in a hidden relation, `op[k+d] = op[k] + c_k mod 6`.

    No decision alone carries any signal; skips count for nothing.
    """
    shift = rng.integers(0, NUM_OPS, NUM_LAYERS - distance)

    def score(architectures):
        ops = operations_of(architectures)
        return ((ops[:, distance:] - ops[:, :-distance] - shift) % NUM_OPS == 0).mean(axis=1)

    return score


def skips_by_operation(rng):
    """Share of the skips that are as the operation of their layer has them."""
    wanted = rng.integers(0, 2, (NUM_LAYERS, NUM_OPS, NUM_LAYERS))
    skips = [
        [i for i, decision in enumerate(macro_space()) if decision.group == f"layer_{k}/skip"]
        for k in range(NUM_LAYERS)
    ]

    def score(architectures):
        ops = operations_of(architectures)
        right = [
            architectures[:, skips[k]] == wanted[k][ops[:, k]][:, :k] for k in range(1, NUM_LAYERS)
        ]
        return np.concatenate(right, axis=1).mean(axis=1)

    return score


# Name: reward, standard deviation of its noise, samples at which it is measured.
TASKS = {
    "planted": (planted, 0.05, (2000, 5000, 10000, 20000)),
    "planted, noise 0.2": (planted, 0.2, (2000, 5000, 10000, 20000)),
    "pairs": (pairs, 0.05, (2000, 5000, 20000, 40000)),
    "pairs two apart": (lambda rng: pairs(rng, 2), 0.05, (2000, 5000, 20000, 40000)),
    "skips by operation": (skips_by_operation, 0.05, (2000, 5000, 20000, 40000)),
}


def learning_curve(task, policy, seed):
    """Runs one policy on one task.

    Returns:
        List of `(samples, mean true reward of 500 fresh samples, entropy in nats)`.
    """
    make_score, noise, marks = TASKS[task]
    score = make_score(np.random.default_rng(1000 + seed))
    rng = np.random.default_rng(seed)
    settings = POLICIES[policy]
    if settings is None:
        oracle = RandomOracle(seed=seed)
    else:
        oracle = ENASOracle(seed=seed, skip_weight=0.0, **settings)
    oracle.set_space(macro_space())
    curve, done = [], 0
    for mark in marks:
        while done < mark:
            architectures = oracle.sample(20)
            rewards = score(architectures) + rng.normal(0, noise, 20)
            oracle.learn(architectures, rewards)
            done += 20
        reached = float(score(oracle.sample(500)).mean())
        curve.append((mark, reached, oracle.diagnostics()["entropy"]))
    return curve


def speeds():
    """CPU seconds of tracing, and architectures a CPU second, of the default oracle."""
    oracle = ENASOracle(seed=0)
    oracle.set_space(macro_space())
    start = time.process_time()
    architectures = oracle.sample(20)
    sample_tracing = time.process_time() - start
    start = time.process_time()
    oracle.learn(architectures, np.linspace(0, 1, 20))
    learn_tracing = time.process_time() - start

    def per_second(function, n, times):
        start = time.process_time()
        for _ in range(times):
            function()
        return n * times / (time.process_time() - start)

    batch = oracle.sample(1000)
    rewards = np.random.default_rng(0).random(1000)
    return {
        "sample_tracing_cpu_seconds": sample_tracing,
        "learn_tracing_cpu_seconds": learn_tracing,
        "sampled_per_second": per_second(lambda: oracle.sample(1000), 1000, 10),
        "sampled_per_second_by_20": per_second(lambda: oracle.sample(20), 20, 100),
        "learned_per_second": per_second(lambda: oracle.learn(batch, rewards), 1000, 3),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds, from 0")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=list(POLICIES))
    parser.add_argument("--threads", type=int, default=1, help="threads of TensorFlow")
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)

    result = {"speeds": speeds(), "curves": []}
    if not args.json:
        for name, value in result["speeds"].items():
            print(f"{name}: {value:,.2f}")
    for task in args.tasks:
        marks = TASKS[task][2]
        if not args.json:
            print(f"\n{task}: mean true reward of fresh samples, mean (worst) of seeds\n")
            print("| policy | " + " | ".join(f"{m:,}" for m in marks) + " | entropy at the end |")
            print("| --- |" + " --- |" * (len(marks) + 1))
        for policy in args.policies:
            curves = [learning_curve(task, policy, seed) for seed in range(args.seeds)]
            for seed, curve in enumerate(curves):
                result["curves"].append(
                    {"task": task, "policy": policy, "seed": seed, "curve": curve}
                )
            if not args.json:
                points = np.array(curves)
                cells = [
                    f"{points[:, i, 1].mean():.3f} ({points[:, i, 1].min():.3f})"
                    for i in range(len(marks))
                ]
                entropy = f"{points[:, -1, 2].mean():.1f}"
                print(f"| {policy} | {' | '.join([*cells, entropy])} |", flush=True)
    if args.json:
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
