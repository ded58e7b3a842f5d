"""What a step of the supergraph costs, against the same architectures as standalone children.

    python benchmarks/step_time.py                     # all figures: the table (about an hour)
    python benchmarks/step_time.py --json              # the same as one JSON object
    python benchmarks/step_time.py --only steps --config 16x64
    python benchmarks/step_time.py --quick             # does it run? (figures mean little)
    python benchmarks/step_time.py --space micro       # step_time_micro.py, its arguments behind
    python benchmarks/step_time.py --space recurrent   # step_time_recurrent.py, likewise

Macro space, 12 layers, six operations, 32x32x3, random pixels. Times are process CPU time of single
steps inside `fit`. Supergraph, child of our layers, and two children of stock layers take turns in
one process: the one that a user would write by hand, and the one that `to_keras` exports. A figure
is the median over all turns of each architecture, then the mean over the architectures. One thread
by default (`--threads`): what the idle threads of a pool burn while they wait would count as CPU
time of a step.
"""

import argparse
import importlib
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import rich.console
import rich.table
import step_time_memory as memory
import step_time_search as search
import step_time_steps as steps
import tensorflow as tf
from step_time_spaces import CONFIGS
from step_time_turns import note

# Key: what it is, the bound, and whether a figure must stay below it.
FIGURES = {
    "step_vs_child": ("supergraph step / child of our layers", 1.05, True),
    "step_vs_stock": ("supergraph step / child of stock layers by hand", 0.70, True),
    "step_vs_stock_export": ("supergraph step / child of stock layers, exported", 0.70, True),
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
        add("speeds", search.measure_speeds(args))
    if "traces" in args.only:
        add("traces", search.measure_traces(args))
    if "own" in args.only:
        add("own", steps.measure_own(args))
    if "twelve" in args.only:
        add("twelve", steps.measure_twelve(args))
    for name in args.config:
        if "steps" in args.only:
            add(f"steps {name}", steps.measure_steps(*CONFIGS[name], args))
        if "memory" in args.only:
            add(f"memory {name}", memory.measure_memory(*CONFIGS[name], args))
    if "growth" in args.only:
        add("growth", memory.measure_growth(args))
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
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("--space", choices=["macro", "micro", "recurrent"], default="macro")
    chosen, rest = which.parse_known_args()
    if chosen.space != "macro":
        importlib.import_module(f"step_time_{chosen.space}").main(rest)
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], parents=[which])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--config", nargs="+", choices=list(CONFIGS), default=list(CONFIGS))
    parser.add_argument("--architectures", type=int, default=5)
    parser.add_argument("--turns", type=int, default=6, help="turns of each model")
    parser.add_argument("--steps", type=int, default=4, help="steps counted in a turn")
    parser.add_argument("--threads", type=int, default=1, help="of TensorFlow; 0: its default")
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
