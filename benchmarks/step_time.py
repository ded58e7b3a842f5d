"""What a step of the supergraph costs, against the same architectures as standalone children.

    python benchmarks/step_time.py                     # all figures: the table (about an hour)
    python benchmarks/step_time.py --json              # the same as one JSON object
    python benchmarks/step_time.py --only steps --config 16x64
    python benchmarks/step_time.py --quick             # does it run? (figures mean little)

Macro space, 12 layers, six operations, 32x32x3, random pixels. Times are process CPU time of single
steps inside `fit`, between the ends of consecutive batches, so that what `fit` does around an
epoch does not count. Supergraph, child of our layers and child of stock layers take turns in one
process; a figure is the median over all turns of each architecture, then the mean over the
architectures. One thread by default (`--threads`): what the idle threads of a pool burn while they
wait would count as CPU time of a step.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner
import numpy as np
import rich.console
import rich.table
import step_time_spaces as spaces
import tensorflow as tf

from keras_enas import ENASTuner, HyperMacroCNN, Supergraph
from keras_enas.oracles import ENASOracle

# Key: what it is, the bound, and whether a figure must stay below it.
FIGURES = {
    "step_vs_child": ("supergraph step / child of our layers", 1.05, True),
    "step_vs_stock": ("supergraph step / child of stock layers", 0.70, True),
    "first_step_vs_stock": ("build and first step / stock child's", 2.0, True),
    "train_traces": ("traces of the training step over a search", 1, True),
    "score_traces": ("traces of the scoring step over a search", 1, True),
    "memory_vs_stock": ("peak memory / stock child's", 1.5, True),
    "memory_growth": ("growth of memory, round 20 to 300", 0.02, True),
    "twelve_vs_six": ("step with 12 operations a layer / with 6", 1.03, True),
    "own_space_step_vs_child": ("step of a space of stock layers / its child", 1.25, True),
    "sampled_per_second": ("architectures sampled a CPU second", 5000, False),
    "learned_per_second": ("architectures learned from a CPU second", 1000, False),
    "bookkeeping_share": ("controller and bookkeeping / search (search_quality.py)", 0.05, True),
}
PARTS = ("speeds", "traces", "steps", "own", "twelve", "memory", "growth")
CONFIGS = {"16x64": (16, 64), "36x128": (36, 128)}


class StepClock(keras.callbacks.Callback):
    """CPU seconds between the ends of consecutive batches, the first of a `fit` left out."""

    def on_train_begin(self, logs=None):
        self.steps = []
        self._last = None

    def on_train_batch_end(self, batch, logs=None):
        now = time.process_time()
        if self._last is not None:
            self.steps.append(now - self._last)
        self._last = now


def cpu(function):
    """Returns what a function returns, and its CPU seconds."""
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


def pixels(batch_size, steps):
    """A dataset of `steps` batches of noise."""
    rng = np.random.default_rng(0)
    x = rng.random((batch_size * steps, *spaces.SHAPE), dtype="float32")
    y = rng.integers(0, spaces.CLASSES, len(x))
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size).cache()


def take_turns(models, dataset, turns):
    """Times the steps of several models by turns.

    Args:
        models: Dict from key to a function that returns a model ready to `fit`.
        dataset: Batches of one `fit`; the first is not counted.
        turns: Integer, how often each model has its turn.

    Returns:
        Dict from key to CPU seconds of its median step.
    """
    clock = StepClock()
    found = {key: [] for key in models}
    order = list(models)
    rng = np.random.default_rng(0)
    for _ in range(turns):
        # In another order each time: what follows an expensive one finds other caches.
        rng.shuffle(order)
        for key in order:
            models[key]().fit(dataset, callbacks=[clock], shuffle=False, verbose=0)
            found[key] += clock.steps
    return {key: float(np.median(steps)) for key, steps in found.items()}


def warm_up():
    """The first network of a process pays for loading TensorFlow's parts."""
    model = spaces.OwnSpace(2).build(keras_tuner.HyperParameters())
    model.fit(pixels(4, 2), shuffle=False, verbose=0)


def measure_steps(filters, batch_size, args):
    """Supergraph, children and stock children of the same architectures."""
    dataset, one = pixels(batch_size, args.steps + 1), pixels(batch_size, 1)
    warm_up()
    hypermodel = spaces.macro(filters)

    def first_step(make):
        def run():
            model = make()
            model.fit(one, shuffle=False, verbose=0)
            return model

        return cpu(run)

    supergraph, first = first_step(lambda: Supergraph(hypermodel, seed=0))
    architectures = supergraph.space.random(args.architectures, np.random.default_rng(1))
    firsts = {"child": [], "stock": []}
    table = []
    for indices in architectures:
        child, seconds = first_step(
            lambda i=indices: spaces.child_of(hypermodel, supergraph.space, i)
        )
        firsts["child"].append(seconds)
        stock, seconds = first_step(lambda c=child: spaces.stock_of(hypermodel, c))
        firsts["stock"].append(seconds)

        def as_supergraph(i=indices):
            supergraph.set_architectures(i)
            return supergraph

        models = {
            "supergraph": as_supergraph,
            "child": lambda c=child: c,
            "stock": lambda s=stock: s,
        }
        if args.by_hand:
            by_hand, _ = first_step(lambda c=child: spaces.by_hand_of(hypermodel, c))
            models["by hand"] = lambda b=by_hand: b
        # Every architecture at once would hold dozens of networks in memory.
        table.append(take_turns(models, dataset, args.turns))
        note(f"{filters} filters, {supergraph.space.architecture(indices)}: {table[-1]}")
    mean = {key: float(np.mean([row[key] for row in table])) for key in table[0]}
    return {
        "step_vs_child": mean["supergraph"] / mean["child"],
        "step_vs_stock": mean["supergraph"] / mean["stock"],
        "first_step_vs_stock": first / float(np.median(firsts["stock"])),
        "step_vs": {key: mean["supergraph"] / value for key, value in mean.items()},
        "milliseconds": {key: 1000 * value for key, value in mean.items()},
        "step_vs_child_each": [row["supergraph"] / row["child"] for row in table],
        "step_vs_stock_each": [row["supergraph"] / row["stock"] for row in table],
        "first_step_seconds": {
            "supergraph": first,
            **{key: float(np.median(values)) for key, values in firsts.items()},
        },
        "train_traces": supergraph.train_traces,
    }


def measure_own(args):
    """A space of stock layers only, its supergraph against its children."""
    filters, batch_size = CONFIGS["16x64"]
    dataset = pixels(batch_size, args.steps + 1)
    hypermodel = spaces.OwnSpace(filters)
    supergraph = Supergraph(hypermodel, seed=0)
    table = []
    for indices in supergraph.space.random(args.architectures, np.random.default_rng(1)):
        child = spaces.child_of(hypermodel, supergraph.space, indices)

        def as_supergraph(i=indices):
            supergraph.set_architectures(i)
            return supergraph

        models = {"supergraph": as_supergraph, "child": lambda c=child: c}
        for make in models.values():
            make().fit(dataset, shuffle=False, verbose=0)
        table.append(take_turns(models, dataset, args.turns))
        note(f"own space, {supergraph.space.architecture(indices)}: {table[-1]}")
    mean = {key: float(np.mean([row[key] for row in table])) for key in table[0]}
    return {
        "own_space_step_vs_child": mean["supergraph"] / mean["child"],
        "milliseconds": {key: 1000 * value for key, value in mean.items()},
    }


def measure_twelve(args):
    """The same architectures in the space of six operations and in one of twelve."""
    filters, batch_size = CONFIGS["16x64"]
    dataset = pixels(batch_size, args.steps + 1)
    graphs = {
        "six": Supergraph(spaces.macro(filters), seed=0),
        "twelve": Supergraph(spaces.macro(filters, spaces.TWELVE), seed=0),
    }
    table = []
    for indices in graphs["six"].space.random(args.architectures, np.random.default_rng(1)):

        def ready(key, i=indices):
            graphs[key].set_architectures(i)
            return graphs[key]

        models = {key: lambda key=key, ready=ready: ready(key) for key in graphs}
        for make in models.values():
            make().fit(dataset, shuffle=False, verbose=0)
        table.append(take_turns(models, dataset, args.turns))
        note(f"twelve or six: {table[-1]}")
    mean = {key: float(np.mean([row[key] for row in table])) for key in table[0]}
    return {
        "twelve_vs_six": mean["twelve"] / mean["six"],
        "milliseconds": {key: 1000 * value for key, value in mean.items()},
    }


def measure_traces(args):
    """A whole search, with partial batches, and the scores after it."""
    rng = np.random.default_rng(0)
    x, y = rng.random((90, 8, 8, 1), dtype="float32"), rng.integers(0, 3, 90)
    with tempfile.TemporaryDirectory() as folder:
        tuner = ENASTuner(
            HyperMacroCNN((8, 8, 1), 3, num_layers=6, filters=4),
            max_trials=3 if args.quick else 10,
            controller_updates=2,
            samples_per_update=4,
            final_samples=10,
            seed=0,
            directory=folder,
        )
        data = {"validation_data": (x[:50], y[:50]), "epochs": 2, "verbose": 0}
        tuner.search(x, y, batch_size=32, **data)
        tuner.get_best_architectures(3)
        return {
            "train_traces": tuner.supergraph.train_traces,
            "score_traces": tuner._shared.scorer.traces,
        }


def measure_speeds(args):
    """The default oracle on the macro space of 12 layers."""
    space = Supergraph(spaces.macro(2), seed=0).space
    oracle = ENASOracle(seed=0)
    oracle.set_space(space)
    n = 1000
    batch = oracle.sample(n)
    rewards = np.random.default_rng(0).random(n)
    oracle.learn(batch, rewards)

    def per_second(function, times):
        return n / float(np.median([cpu(function)[1] for _ in range(times)]))

    return {
        "sampled_per_second": per_second(lambda: oracle.sample(n), 10),
        "learned_per_second": per_second(lambda: oracle.learn(batch, rewards), 5),
    }


def in_a_process_of_its_own(args, *arguments):
    script = pathlib.Path(__file__).with_name("step_time_memory.py")
    environment = {**os.environ}
    if args.threads:
        environment["TF_NUM_INTRAOP_THREADS"] = str(args.threads)
        environment["TF_NUM_INTEROP_THREADS"] = str(args.threads)
    command = [sys.executable, str(script), *map(str, arguments)]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if output.returncode:
        raise RuntimeError(output.stderr[-4000:])
    return json.loads(output.stdout.strip().splitlines()[-1])


def measure_memory(filters, batch_size, args):
    """Peaks in fresh processes; the median over some stock children."""
    supergraph = in_a_process_of_its_own(args, "peak", "supergraph", filters, batch_size)["peak"]
    stocks = [
        in_a_process_of_its_own(args, "peak", "stock", filters, batch_size, seed)["peak"]
        for seed in range(1, 2 if args.quick else 4)
    ]
    note(f"{filters} filters, peak MB: supergraph {supergraph:.0f}, stock {np.round(stocks)}")
    return {
        "memory_vs_stock": supergraph / float(np.median(stocks)),
        "megabytes": {"supergraph": supergraph, "stock": float(np.median(stocks))},
    }


def measure_growth(args):
    """A small search of 300 rounds; memory around a round is the median of ten."""
    rounds = 40 if args.quick else 300
    result = in_a_process_of_its_own(args, "growth", rounds)
    resident = result.pop("resident")
    early, late = np.median(resident[15:25]), np.median(resident[-10:])
    return {
        "memory_growth": float(late / early) - 1,
        "megabytes": {"round 20": float(early), f"round {rounds}": float(late)},
        **result,
    }


def note(text):
    print(text, file=sys.stderr, flush=True)


def collect(args):
    """Runs the parts asked for.

    Returns:
        Dict with every key of `FIGURES` (None: not measured) and `details`.
    """
    figures = dict.fromkeys(FIGURES)
    details = {}

    def add(name, result):
        details[name] = result
        for key in FIGURES.keys() & result.keys():
            better = max if FIGURES[key][2] else min
            # Of several configurations the worst counts.
            known = figures[key]
            figures[key] = result[key] if known is None else better(known, result[key])
        note(f"{name}: {result}")

    if "speeds" in args.only:
        add("speeds", measure_speeds(args))
    if "traces" in args.only:
        add("traces", measure_traces(args))
    if "own" in args.only:
        add("own", measure_own(args))
    if "twelve" in args.only:
        add("twelve", measure_twelve(args))
    for name in args.config:
        if "steps" in args.only:
            add(f"steps {name}", measure_steps(*CONFIGS[name], args))
        if "memory" in args.only:
            add(f"memory {name}", measure_memory(*CONFIGS[name], args))
    if "growth" in args.only:
        add("growth", measure_growth(args))
    if args.bookkeeping:
        share = json.loads(pathlib.Path(args.bookkeeping).read_text())["bookkeeping_share"]
        add("bookkeeping", {"bookkeeping_share": share})
    else:
        details["bookkeeping"] = "from benchmarks/search_quality.py; pass its file: --bookkeeping"
    details["settings"] = {**vars(args), "tensorflow": tf.__version__, "keras": keras.__version__}
    return {**figures, "details": details}


def print_table(result):
    console = rich.console.Console()
    # Into a file too, a row of the table stays on one line.
    console.width = max(console.width, 130)
    table = rich.table.Table("figure", "key", "reach", "measured", "")
    for key, (what, bound, below) in FIGURES.items():
        value = result[key]
        reach = f"{'<=' if below else '>='} {bound:,}"
        if value is None:
            table.add_row(what, key, reach, "not measured", "")
            continue
        reached = value <= bound if below else value >= bound
        shown = f"{value:,.0f}" if value >= 100 or isinstance(value, int) else f"{value:.3f}"
        table.add_row(what, key, reach, shown, "reached" if reached else "MISSED")
    console.print(table)
    for name, details in result["details"].items():
        console.print(f"[bold]{name}[/bold]: {details}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--config", nargs="+", choices=list(CONFIGS), default=list(CONFIGS))
    parser.add_argument("--architectures", type=int, default=5)
    parser.add_argument("--turns", type=int, default=6, help="turns of each model")
    parser.add_argument("--steps", type=int, default=4, help="steps counted in a turn")
    parser.add_argument("--threads", type=int, default=1, help="of TensorFlow; 0: its default")
    parser.add_argument(
        "--by-hand",
        action="store_true",
        help="also against stock children whose reductions are not one fast convolution",
    )
    parser.add_argument("--bookkeeping", metavar="FILE", help="JSON of search_quality.py")
    parser.add_argument("--quick", action="store_true", help="few repetitions, one configuration")
    args = parser.parse_args()
    if args.quick:
        args.config, args.architectures, args.turns, args.steps = ["16x64"], 2, 2, 2
    if args.threads:
        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
        tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    result = collect(args)
    if args.json:
        print(json.dumps(result, indent=1))
    else:
        print_table(result)


if __name__ == "__main__":
    main()
