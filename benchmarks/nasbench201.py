"""Does a search find good cells? Searches of NAS-Bench-201, judged by its table.

    python benchmarks/nasbench201.py --data ../shared/data --output runs/nasbench201 \\
        --strategies enas random --seeds 0 1 2 --latency-targets 0 40 --budget-minutes 30

Tasks (the best cell; the best cell at a latency) x strategies x seeds. Each search runs in a
process of its own, on small images and small networks, and may take so many CPU minutes, all
included but unpacking the images and importing. What it returns is looked up: the test accuracy
that the published network of that cell has after 200 epochs. The table guides no search, but for
the latencies of a search for a latency. Beside them stand controls that search nothing: the cell
with the most parameters, and random cells.

Everything is kept in `--output`, of a latency in a folder in it; a run that was interrupted goes
on, several processes share the work, and another command with the same settings adds to it. Of all
searches of a task `results.jsonl` has a line each, `report.txt` the table, and `regret.png` what
was best of each after so many CPU seconds; of each search with shared weights there is a picture of
its rounds (`--tau-every 2`: Kendall tau too). `--beside` shows the RandomSearch of runs with other
settings, too. `--quick` says whether it runs; its figures mean nothing.
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
from search_quality_files import made_together, read, same_settings, write_text

# With shared weights; and KerasTuner's own, which train each child.
SHARED = (
    "enas",
    "random",
    "evolution",
    "progressive",
    "ant colony",
    "q-learning",
    "factorized",
    # Its published controllers.
    "paper enas",
    "released enas",
)
STOCK = ("stock random", "stock hyperband", "stock bayesian")
STRATEGIES = (*SHARED, *STOCK)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with real_data.py and the table")
    parser.add_argument("--output", required=True, help="folder of this run")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=["enas", "random"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument(
        "--latency-targets", type=float, nargs="+", default=[0.0], help="milliseconds; 0: none"
    )
    parser.add_argument(
        "--beside", nargs="+", default=[], help="outputs of other settings: their RandomSearch"
    )
    parser.add_argument("--quick", action="store_true", help="does it run? in a few minutes")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    for name, value in DEFAULTS.items():
        choices = REWARDS if name == "reward" else None
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), choices=choices)
    args = parser.parse_args()
    settings = {**DEFAULTS, **(QUICK if args.quick else {})}
    given = {name: getattr(args, name) for name in DEFAULTS if getattr(args, name) is not None}
    settings.update(given)
    if args.one:
        run_one(args, {**settings, "latency_target": float(args.one[2])})
        return
    tasks = {folder_of(args.output, t): {**settings, "latency_target": t} for t in latencies(args)}
    check(args, list(tasks.values()))
    jobs = {}
    for folder, of_task in tasks.items():
        os.makedirs(folder, exist_ok=True)
        same_settings(os.path.join(folder, "settings.json"), of_task)
        for seed in args.seeds:
            for strategy in args.strategies:
                path = os.path.join(folder, f"{file_of(strategy)}-{seed}.json")
                job = strategy, seed, of_task["latency_target"]
                jobs[path] = lambda path=path, job=job: in_a_process(*job, path)
    made_together(jobs)
    for folder, of_task in tasks.items():
        results = results_in(folder)
        lines = "".join(json.dumps(result) + "\n" for result in results)
        write_text(os.path.join(folder, "results.jsonl"), lines)
        from nasbench201_report import report

        beside = {name_of(one): random_in(one, of_task) for one in args.beside}
        report(results, of_task, args.data, folder, {n: r for n, r in beside.items() if r})


def latencies(args):
    """The targets, each once, in the order given."""
    return list(dict.fromkeys(args.latency_targets))


def folder_of(output, target):
    """The folder of a task."""
    return os.path.join(output, f"latency-{target:g}") if target else output


def name_of(output):
    """How the folder of another run is called."""
    return os.path.basename(os.path.normpath(output))


def random_in(output, task):
    """What RandomSearch found in another run, for the latency of a task."""
    found = results_in(folder_of(output, task["latency_target"]))
    return [one for one in found if one["strategy"] == "stock random"]


def check(args, tasks):
    """Ends with an error, before anything is searched, if a search could not be made or judged."""
    if len({name_of(one) for one in args.beside}) < len(args.beside):
        raise SystemExit(f"--beside {' '.join(args.beside)}: folders of different names, please.")
    for other in args.beside:
        if not any(random_in(other, task) for task in tasks):
            raise SystemExit(f"--beside {other}: there is no 'stock random' for any of the tasks.")
    for settings in tasks:
        epochs = settings["stock_epochs"]
        if not 0 < epochs <= 1 and not (epochs > 1 and epochs.is_integer()):
            raise SystemExit(f"--stock-epochs {epochs}: whole epochs, or a part of one.")
    near = [settings for settings in tasks if settings["latency_target"]]
    if not near:
        return
    others = [name for name in args.strategies if name in STOCK and name != "stock random"]
    if others:
        raise SystemExit(f"--latency-targets: {others} cannot be kept near to one.")
    from nasbench201_table import Table, allowed_cells

    table = Table(args.data)
    for settings in near:
        allowed_cells(table, settings)


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


def in_a_process(strategy, seed, target, path):
    """Runs one search in a process of its own, whose CPU time is the search's."""
    made = f"{path}.made"
    # The same command, but for what it is to do.
    job = [strategy, str(seed), str(target), made]
    command = [sys.executable, __file__, *sys.argv[1:], "--one", *job]
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

    tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(settings["threads"])
    strategy, seed, path = args.one[0], int(args.one[1]), args.one[3]
    table = Table(args.data)
    data = load(args.data, settings["size"], settings["train"], settings["validation"])
    folder = path.removesuffix(".json.made")
    if strategy in STOCK:
        from nasbench201_stock import search
    else:
        from nasbench201_shared import search
    versions = {name: version(name) for name in ("tensorflow", "keras", "keras-tuner")}
    # Before the search: while it runs the folder may move on to another revision.
    of_run = {"strategy": strategy, "seed": seed, "code": code(), "versions": versions}
    found = search(strategy, seed, settings, table, data, folder)
    write(path, {**of_run, **found})


def code():
    """The revision of this project, None where git does not say."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        found = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


if __name__ == "__main__":
    main()
