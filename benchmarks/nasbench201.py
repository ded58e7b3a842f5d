"""Does a search find good cells? Searches of NAS-Bench-201, judged by its table.

    python benchmarks/nasbench201.py --data ../shared/data --output runs/nasbench201 \\
        --strategies enas random --seeds 0 1 2 --budget-minutes 30

Each search runs in a process of its own, on small images and small networks, and may
take so many CPU minutes, all included but unpacking the images and importing. What it
returns is looked up: the test accuracy that the published network of that cell has
after 200 epochs. The table guides no search, but for the latencies of a search with
`--latency-target`. Beside them stand controls that search
nothing: the cell with the most parameters, and random cells.

Everything is kept in `--output`; a run that was interrupted goes on, several processes
share the work, and another command with the same settings adds to it. Of all searches in
it `results.jsonl` has a line each, `report.txt` the table, and `regret.png` what each
would have returned after so many CPU seconds; of each
search with shared weights there is a picture of its rounds (`--tau-every 2`: Kendall tau
too). `--quick` says whether it runs; its figures mean nothing.
"""

import argparse
import glob
import json
import os
import subprocess
import sys
from importlib.metadata import version

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from nasbench201_settings import DEFAULTS, QUICK, REWARDS
from search_quality_files import made_together, read, same_settings

# With shared weights; and KerasTuner's own, which train each child.
SHARED = (
    "enas",
    "random",
    "evolution",
    "progressive",
    "ant colony",
    "q-learning",
    "factorized",
)
STOCK = ("stock random", "stock hyperband", "stock bayesian")
STRATEGIES = (*SHARED, *STOCK)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with real_data.py and the table")
    parser.add_argument("--output", required=True, help="folder of this run")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=["enas", "random"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--quick", action="store_true", help="does it run? in a few minutes")
    parser.add_argument("--threads", type=int, default=1, help="of TensorFlow")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    for name, value in DEFAULTS.items():
        choices = REWARDS if name == "reward" else None
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), choices=choices)
    args = parser.parse_args()
    settings = {**DEFAULTS, **(QUICK if args.quick else {})}
    given = {name: getattr(args, name) for name in DEFAULTS if getattr(args, name) is not None}
    settings.update(given)
    if args.one:
        run_one(args, settings)
        return
    os.makedirs(args.output, exist_ok=True)
    same_settings(os.path.join(args.output, "settings.json"), settings)
    jobs = {}
    for seed in args.seeds:
        for strategy in args.strategies:
            path = os.path.join(args.output, f"{file_of(strategy)}-{seed}.json")
            jobs[path] = lambda path=path, job=(strategy, seed): in_a_process(args, *job, path)
    made_together(jobs)
    results = results_in(args.output)
    with open(os.path.join(args.output, "results.jsonl"), "w") as file:
        file.writelines(json.dumps(result) + "\n" for result in results)
    from nasbench201_report import report

    report(results, settings, args.data, args.output)


def file_of(strategy):
    """How the names of files of a strategy begin."""
    return strategy.replace(" ", "-")


def results_in(folder):
    """Returns what all searches in a folder wrote, in the order of `STRATEGIES` and of seeds."""
    found = []
    for strategy in STRATEGIES:
        paths = glob.glob(os.path.join(glob.escape(folder), f"{file_of(strategy)}-*.json"))
        found += sorted(map(read, paths), key=lambda one: one["seed"])
    return found


def in_a_process(args, strategy, seed, path):
    """Runs one search in a process of its own, whose CPU time is the search's."""
    made = f"{path}.made"
    # The same command, but for what it is to do.
    command = [sys.executable, __file__, *sys.argv[1:], "--one", strategy, str(seed), made]
    subprocess.run(command, check=True)
    content = read(made)
    os.remove(made)
    return content


def run_one(args, settings):
    """Runs one search and writes what came of it."""
    import tensorflow as tf
    from nasbench201_data import load
    from nasbench201_table import Table
    from search_quality_files import write

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    strategy, seed, path = args.one[0], int(args.one[1]), args.one[2]
    table = Table(args.data)
    data = load(args.data, settings["size"], settings["train"], settings["validation"])
    folder = path.removesuffix(".json.made")
    if strategy in STOCK:
        from nasbench201_stock import search
    else:
        from nasbench201_shared import search
    found = search(strategy, seed, settings, table, data, folder)
    versions = {name: version(name) for name in ("tensorflow", "keras", "keras-tuner")}
    of_run = {"strategy": strategy, "seed": seed, "threads": args.threads, "versions": versions}
    write(path, {**of_run, **found})


if __name__ == "__main__":
    main()
