"""Does the search beat random architectures of its own space?

Searches CIFAR-10 at a size that two CPU cores can bear with several seeds, then
trains the derived architectures and random ones from scratch under one recipe,
and prints what came of it: test accuracy, relative improvement over random with
its interval, Kendall tau between shared-weight and trained scores, CPU seconds.

    python benchmarks/search_quality.py --data ../shared/data --output runs/quality

Everything is kept in `--output`; a run that was interrupted goes on. On two cores
two processes with one thread each do more than one with two: `--part search
--seeds 2` and `--part train` share the work through the files.
"""

import argparse
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import scipy.stats
import tensorflow as tf
from rich.console import Console
from rich.table import Table

import keras_enas as ke
from keras_enas.hypermodels.classification import space_of
from keras_enas.training import Recipe
from keras_enas.tuner.cost import count_flops, count_parameters
from keras_enas.tuner.retrain import cosine, random_others


def load(folder, train, validation):
    """CIFAR-10 at 16x16: means of 2x2 pixels, standardised by channel."""
    sys.path.insert(0, folder)
    import real_data

    (x, y), (x_test, y_test) = real_data.load_cifar10()
    x, x_test = (a.astype("float32") / 255.0 for a in (x, x_test))
    x, x_test = (a.reshape(-1, 16, 2, 16, 2, 3).mean((2, 4)) for a in (x, x_test))
    mean, deviation = x[:train].mean((0, 1, 2)), x[:train].std((0, 1, 2))
    x, x_test = ((a - mean) / deviation for a in (x, x_test))
    y, y_test = y.reshape(-1).astype("int32"), y_test.reshape(-1).astype("int32")
    last = slice(len(x) - validation, None)
    return (x[:train], y[:train]), (x[last], y[last]), (x_test, y_test)


def augmented(args, train, seed):
    """Training batches, shifted by up to `--shift` pixels and mirrored, as in the paper."""
    recipe = Recipe(shift=args.shift or None, flip=bool(args.shift), batch_size=args.batch)
    return recipe.dataset(*train, seed=seed)


class Clock:
    """CPU seconds spent inside wrapped methods of objects."""

    def __init__(self):
        self.seconds = 0.0

    def wrap(self, function):
        def timed(*args, **kwargs):
            began = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.process_time() - began

        return timed


def hypermodel(args, learning_rate):
    return ke.HyperMacroCNN(
        (16, 16, 3),
        10,
        num_layers=args.layers,
        filters=args.filters,
        learning_rate=learning_rate,
    )


def search(args, seed, train, validation):
    """One search; returns what it found, with its cost."""
    steps = -(-len(train[0]) // args.batch)
    schedule = keras.optimizers.schedules.CosineDecay(0.05, steps * args.rounds, alpha=0.01)
    tuner = ke.ENASTuner(
        hypermodel(args, schedule),
        max_trials=args.rounds,
        warmup_rounds=args.warmup,
        controller_updates=args.updates,
        seed=seed,
        directory=args.output,
        project_name=f"search-{seed}",
    )
    # An interrupted search goes on here: its earlier rounds have cost what they recorded.
    earlier = sum(record["cpu_seconds"] for record in round_records(tuner))
    work = Clock()
    began = time.process_time()
    supergraph = work.wrap(lambda: tuner.supergraph)()
    supergraph.fit = work.wrap(supergraph.fit)
    scorer = tuner._shared.scorer
    tuner._shared.scorer = work.wrap(scorer)
    data = augmented(args, train, seed)
    tuner.search(data, validation_data=validation, validation_batch_size=args.batch)
    total = time.process_time() - began
    bookkeeping = 1.0 - work.seconds / total
    scored = args.rounds * tuner.settings.derive_samples + tuner.final_samples
    scored += (args.rounds - args.warmup) * args.updates * tuner.settings.samples_per_update
    found = tuner.get_best_architectures(args.top)
    others = random_others(tuner.space, args.random, 12345, [])
    scores = tuner.score(others)
    return {
        "seed": seed,
        "cpu_seconds": earlier + total,
        "bookkeeping_share": bookkeeping,
        "architectures_trained": steps * args.rounds,
        "architectures_judged": scored,
        "train_traces": supergraph.train_traces,
        "score_traces": scorer.traces,
        "derived": [
            {"architecture": str(f.architecture), "shared": f.score.objective} for f in found
        ],
        "random": [
            {"architecture": str(a), "shared": s.objective}
            for a, s in zip(others, scores, strict=True)
        ],
    }


def round_records(tuner):
    """What the rounds that are done left in their trials' folders."""
    records = []
    for trial_id in tuner.oracle.end_order:
        with open(os.path.join(tuner.get_trial_dir(trial_id), "round.json")) as file:
            records.append(json.load(file))
    return records


def train_child(args, text, train, validation, test):
    """Trains one architecture from scratch; returns its figures."""
    keras.utils.set_random_seed(args.training_seed)
    space_hp = hypermodel(args, 0.05)
    space = space_of(space_hp)
    architecture = space.parse(text)
    began = time.process_time()
    model = space_hp.build(architecture.to_hyperparameters())
    model.fit(
        augmented(args, train, args.training_seed),
        epochs=args.epochs,
        shuffle=False,
        verbose=0,
        callbacks=[cosine(args.epochs)],
    )
    seconds = time.process_time() - began
    return {
        "architecture": text,
        "validation": float(model.evaluate(*validation, batch_size=500, verbose=0)[1]),
        "test": float(model.evaluate(*test, batch_size=500, verbose=0)[1]),
        "parameters": count_parameters(model),
        "flops": count_flops(model),
        "cpu_seconds": seconds,
    }


def kept(path, make):
    """Reads a JSON file, or makes its content and writes it whole."""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    content = make()
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
    os.replace(path + ".tmp", path)
    return content


def interval(a, b, level=0.95):
    """Relative improvement of the mean of a over that of b in percent, with Welch's interval."""
    difference = np.mean(a) - np.mean(b)
    welch = scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(level)
    scale = 100.0 / np.mean(b)
    return difference * scale, welch.low * scale, welch.high * scale


def report(args, searches, trained):
    """Computes the figures of the table."""
    derived = {
        s["seed"]: [trained[d["architecture"]]["test"] for d in s["derived"]] for s in searches
    }
    random = [trained[r["architecture"]]["test"] for r in searches[0]["random"]]
    everyone = [value for values in derived.values() for value in values]
    first = [values[0] for values in derived.values()]
    relative, low, high = interval(everyone, random)
    taus = []
    for s in searches:
        pairs = [(r["shared"], trained[r["architecture"]]["test"]) for r in s["random"]]
        taus.append(scipy.stats.kendalltau(*zip(*pairs, strict=True)).statistic)
    control = [
        (trained[r["architecture"]]["parameters"], trained[r["architecture"]]["test"])
        for r in searches[0]["random"]
    ]
    cost = np.median([t["cpu_seconds"] for t in trained.values()])
    seconds = np.mean([s["cpu_seconds"] for s in searches])
    judged = np.mean([s["architectures_judged"] for s in searches])
    return {
        "derived_test": derived,
        "derived_mean": float(np.mean(everyone)),
        "derived_deviation": float(np.std(everyone, ddof=1)),
        "first_choice_mean": float(np.mean(first)),
        "first_choice_deviation": float(np.std(first, ddof=1)) if len(first) > 1 else None,
        "random_test": random,
        "random_mean": float(np.mean(random)),
        "random_deviation": float(np.std(random, ddof=1)),
        "random_best": float(np.max(random)),
        "relative_improvement_percent": float(relative),
        "relative_improvement_interval": [float(low), float(high)],
        "kendall_tau": [float(tau) for tau in taus],
        "kendall_tau_of_parameters": float(
            scipy.stats.kendalltau(*zip(*control, strict=True)).statistic
        ),
        "search_cpu_seconds": float(seconds),
        "child_cpu_seconds": float(cost),
        "search_costs_children": float(seconds / cost),
        "architectures_judged": float(judged),
        "bookkeeping_share": float(np.median([s["bookkeeping_share"] for s in searches])),
        "train_traces": max(s["train_traces"] for s in searches),
        "score_traces": max(s["score_traces"] for s in searches),
        "settings": {
            k: v for k, v in vars(args).items() if k not in ("data", "output", "json", "part")
        },
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    }


def show(figures):
    """Prints the table."""
    table = Table(title="CIFAR-10 at 16x16: derived against random, trained alone")
    for column in ("", "test accuracy", "n"):
        table.add_column(column)
    n = sum(len(v) for v in figures["derived_test"].values())
    rows = [
        ("derived (all)", "derived", n),
        ("random", "random", len(figures["random_test"])),
    ]
    for label, key, count in rows:
        table.add_row(
            label, f"{figures[key + '_mean']:.4f} ± {figures[key + '_deviation']:.4f}", str(count)
        )
    for seed, values in figures["derived_test"].items():
        table.add_row(f"derived, seed {seed}", ", ".join(f"{v:.4f}" for v in values), "")
    table.add_row("best of random", f"{figures['random_best']:.4f}", "")
    console = Console()
    console.print(table)
    low, high = figures["relative_improvement_interval"]
    console.print(
        f"Relative improvement over random {figures['relative_improvement_percent']:+.2f} % "
        f"(95 % interval {low:+.2f} to {high:+.2f})\n"
        f"Kendall tau, shared-weight score against test accuracy of the random ones: "
        f"{', '.join(f'{t:.2f}' for t in figures['kendall_tau'])}; "
        f"number of parameters: {figures['kendall_tau_of_parameters']:.2f}\n"
        f"Search {figures['search_cpu_seconds']:.0f} CPU s, one trained child "
        f"{figures['child_cpu_seconds']:.0f} CPU s: a search costs "
        f"{figures['search_costs_children']:.1f} children and judged "
        f"{figures['architectures_judged']:.0f} architectures\n"
        f"Bookkeeping {figures['bookkeeping_share']:.1%} of the search",
        highlight=False,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with real_data.py")
    parser.add_argument("--output", required=True, help="folder of this run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--warmup", type=int, default=8)
    parser.add_argument("--updates", type=int, default=10, help="controller updates a round")
    parser.add_argument("--shift", type=int, default=2, help="pixels; 0: no augmentation")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--train", type=int, default=20000)
    parser.add_argument("--validation", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=8, help="of each child trained alone")
    parser.add_argument("--top", type=int, default=2, help="derived ones trained of each search")
    parser.add_argument("--random", type=int, default=12)
    parser.add_argument("--training-seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="of TensorFlow")
    parser.add_argument(
        "--part",
        choices=("all", "search", "train"),
        default="all",
        help="stop after the searches, or train in reverse order beside another process",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    os.makedirs(args.output, exist_ok=True)
    train, validation, test = load(args.data, args.train, args.validation)
    searches = [
        kept(
            os.path.join(args.output, f"search-{seed}.json"),
            lambda seed=seed: search(args, seed, train, validation),
        )
        for seed in args.seeds
    ]
    if args.part == "search":
        return
    texts = [r["architecture"] for r in searches[0]["random"]]
    texts += [d["architecture"] for s in searches for d in s["derived"]]
    trained = {}
    for text in list(dict.fromkeys(texts))[:: -1 if args.part == "train" else 1]:
        name = text.replace(" ", "").replace("|", "-")
        trained[text] = kept(
            os.path.join(args.output, f"child-{name}.json"),
            lambda text=text: train_child(args, text, train, validation, test),
        )
        print(f"{trained[text]['test']:.4f}  {text}", file=sys.stderr, flush=True)
    figures = report(args, searches, trained)
    with open(os.path.join(args.output, "figures.json"), "w", encoding="utf-8") as file:
        json.dump(figures, file, indent=1)
    if args.json:
        print(json.dumps(figures))
    else:
        show(figures)


if __name__ == "__main__":
    main()
