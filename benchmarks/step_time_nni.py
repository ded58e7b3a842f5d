"""keras_enas and NNI's one-shot ENAS on the same cells, in turn in one run.

    python benchmarks/step_time_nni.py --python .peers/nni/bin/python \\
        --script ../shared/peers/nni_enas.py

The script measures NNI in an environment of its own, with the released package, and prints JSON
with the CPU milliseconds of its steps. Both have 6 cells and two that reduce, random pixels of
32x32x3, one thread and a process for each turn; medians within a process, then over the turns.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_tuner
import numpy as np
from step_time_memory import megabytes
from step_time_turns import StepClock, cpu, note, pixels

# Key, bound: ours divided by NNI's.
BOUNDS = {"step": 0.35, "reward": 0.35, "controller_update": 0.1, "peak_memory": 0.7}


def measure_nni(args):
    """Runs the peer's script; milliseconds, and megabytes of its peak."""
    command = [args.python, args.script, "--width", args.filters, "--num-cells", args.cells]
    command += ["--batch", args.batch, "--steps", args.steps, "--reward-steps", args.rewards]
    found = _run([*command, "--threads", 1])
    return {
        "step": found["train_step"]["cpu_ms"]["median"],
        "reward": found["reward_step"]["cpu_ms"]["median"],
        "controller_update": found["controller_update_call"]["cpu_ms"]["median"],
        "peak_memory": found["peak_rss_mib"],
    }


def measure_ours(args):
    """The same of this package, in a process of its own."""
    options = ["--filters", args.filters, "--cells", args.cells, "--batch", args.batch]
    options += ["--steps", args.steps, "--rewards", args.rewards]
    return _run([sys.executable, pathlib.Path(__file__).resolve(), "--ours", *options])


def _run(command):
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    command = list(map(str, command))
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if output.returncode:
        raise RuntimeError(output.stderr[-4000:])
    return json.loads(output.stdout.strip().splitlines()[-1])


def ours(args):
    """Steps of random architectures, rewards with their draw, updates of the controller."""
    from keras_enas import ENASOracle, HyperMicroCNN, Supergraph
    from keras_enas.supergraph import Scorer

    hypermodel = HyperMicroCNN((32, 32, 3), 10, num_layers=args.cells, filters=args.filters)
    supergraph = Supergraph(hypermodel, seed=0)
    oracle = ENASOracle(objective=keras_tuner.Objective("val_accuracy", "max"), seed=0)
    oracle.set_space(supergraph.space)
    clock, data = StepClock(), pixels(args.batch, args.steps + 2)
    supergraph.set_architectures(supergraph.space.random(args.steps + 2, np.random.default_rng(0)))
    supergraph.fit(data, callbacks=[clock], shuffle=False, verbose=0)
    scorer, batches = Scorer(supergraph), list(pixels(args.batch, 1))

    def reward():
        return scorer(oracle.sample(1)[0], batches)

    def update():
        samples = oracle.sample(oracle.samples_per_update)
        oracle.learn(samples, np.linspace(0, 1, len(samples)))

    for function in (reward, update):
        function()
    return {
        # Two steps are left out, as in the script of NNI's, the first of them by the clock.
        "step": 1e3 * float(np.median(clock.steps[1:])),
        "reward": 1e3 * float(np.median([cpu(reward)[1] for _ in range(args.rewards)])),
        "controller_update": 1e3 * float(np.median([cpu(update)[1] for _ in range(5)])),
        "peak_memory": megabytes("VmHWM"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", help="of the environment with NNI")
    parser.add_argument("--script", help="nni_enas.py")
    parser.add_argument("--cells", type=int, default=6, help="normal cells; two more reduce")
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--rewards", type=int, default=10)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--ours", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ours:
        print(json.dumps(ours(args)))
        return
    if not (args.python and args.script):
        parser.error("--python and --script are needed")
    turns = {"nni": [], "keras_enas": []}
    for _ in range(args.turns):
        for name, measure in (("nni", measure_nni), ("keras_enas", measure_ours)):
            turns[name].append(measure(args))
            note(f"{name}: {turns[name][-1]}")
    median = {
        name: {key: float(np.median([row[key] for row in rows])) for key in BOUNDS}
        for name, rows in turns.items()
    }
    ratio = {key: median["keras_enas"][key] / median["nni"][key] for key in BOUNDS}
    if args.json:
        print(json.dumps({"ratio": ratio, **median, "settings": vars(args)}, indent=1))
        return
    for key, bound in BOUNDS.items():
        reached = "reached" if ratio[key] <= bound else "MISSED"
        print(f"{key}: {ratio[key]:.3f} ({reached}: <= {bound})")
    print(median)


if __name__ == "__main__":
    main()
