"""The strategies on the table of NAS-Bench-201 alone: rewards are looked up, nothing is trained.

    python benchmarks/nasbench201_lookup.py --data ../shared/data --seeds 20

Is each strategy as good as its paper says? The reward is the validation accuracy after
12 epochs, as in the benchmark's own protocol; what is printed is the test accuracy after
200 epochs of the cell with the best reward so far, after so many trials, and after so many
simulated seconds. As under a stock tuner no cell is tried twice.

The benchmark's protocol simulates 12,000 s of training (published: random 93.70, REINFORCE
93.85, regularised evolution 93.92). The table here has no training times, so they are
modelled: in proportion to the cell's latency in batches of 32 on a Titan RTX, on average
`--seconds-a-cell`, which is chosen such that random search tries about 100 cells, after
which it is at its published accuracy. Our figures are not quite comparable with the
published ones for another reason, too: the table's rewards are means over seeds, theirs
were single runs.
"""

import argparse
import itertools
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from nasbench201_table import COUNTS, Table
from rich.console import Console
from rich.table import Table as Shown

import keras_enas as ke
from keras_enas.oracles.untried import untried

STRATEGIES = {
    "random": lambda seed: ke.RandomOracle("val_accuracy", seed=seed),
    "evolution": lambda seed: ke.RegularizedEvolutionOracle("val_accuracy", seed=seed),
    "progressive": lambda seed: ke.ProgressiveOracle("val_accuracy", seed=seed),
    "factorized": lambda seed: ke.FactorizedOracle("val_accuracy", seed=seed),
    # With the settings of the benchmark's own scripts; its REINFORCE is this one.
    "evolution, published": lambda seed: ke.RegularizedEvolutionOracle(
        "val_accuracy", seed=seed, population_size=10, sample_size=3
    ),
    "factorized, published": lambda seed: ke.FactorizedOracle(
        "val_accuracy", seed=seed, learning_rate=0.001
    ),
    "factorized, for trials": lambda seed: ke.FactorizedOracle(
        "val_accuracy", seed=seed, learning_rate=0.2
    ),
    "ant colony": lambda seed: ke.AntColonyOracle("val_accuracy", seed=seed),
    "q-learning": lambda seed: ke.QLearningOracle("val_accuracy", seed=seed),
    "enas": lambda seed: ke.ENASOracle("val_accuracy", seed=seed),
    # As docs/strategies.md has it for trials.
    "enas, for trials": lambda seed: ke.ENASOracle(
        "val_accuracy", seed=seed, samples_per_update=10, offset_learning_rate=0.3
    ),
}


def search(oracle, table, trials, seconds, seconds_a_cell, seed):
    """Runs a search for so many trials, and for so many simulated seconds.

    Returns:
        Two float arrays `(trials,)`, of as many trials as either of the two asks for: the
        truth of the cell with the best reward so far, and the simulated seconds so far.
    """
    oracle.set_space(table.space)
    rewards = table.columns["cifar10_valid_12"] / 100
    latency = table.columns["latency_ms_titan_rtx_32"]
    costs = seconds_a_cell * latency / latency.mean()
    tried, waiting, best, curve, times = {}, [], (-1.0, 0.0), [], [0.0]
    for trial in itertools.count():
        if trial >= trials and times[-1] > seconds:
            return np.array(curve), np.array(times[1:])
        cell = untried(
            table.space,
            lambda: oracle.sample(1)[0],
            tried,
            np.random.default_rng((seed, trial)),
        )
        row = table.row(cell)
        tried[tuple(int(i) for i in cell)] = True
        waiting.append((cell, rewards[row]))
        if len(waiting) >= oracle.samples_per_update:
            oracle.learn(*map(np.array, zip(*waiting, strict=True)))
            waiting = []
        # Of equal rewards the first: the truth has no say in it.
        if rewards[row] > best[0]:
            best = rewards[row], table.truth[row]
        curve.append(best[1])
        times.append(times[-1] + costs[row])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with nasbench201/nasbench201.csv.gz")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--seconds", type=float, default=12_000.0, help="simulated")
    parser.add_argument("--seconds-a-cell", type=float, default=120.0, help="on average")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    table, found = Table(args.data), {}
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    said = f"seeds {seeds[0]} to {seeds[-1]}"
    shown = Shown(title=f"True accuracy after so many trials, mean ± standard error, {said}")
    columns = [*map(str, args.trials), f"worst at {args.trials[-1]}"]
    columns += [f"{args.seconds:,.0f} simulated s", "trials in these", "CPU s"]
    for column in ("", *columns):
        shown.add_column(column)
    for name in args.strategies:
        began = time.process_time()
        budget = max(args.trials), args.seconds, args.seconds_a_cell
        searches = [search(STRATEGIES[name](seed), table, *budget, seed) for seed in seeds]
        seconds = (time.process_time() - began) / args.seeds
        # Of the simulated time those trials count that end in it.
        trials = [int(np.searchsorted(times, args.seconds, "right")) for _, times in searches]
        if 0 in trials:
            raise SystemExit(f"--seconds {args.seconds}: no trial ends in it.")
        at = np.array(
            [
                curve[[*(n - 1 for n in args.trials), last - 1]]
                for (curve, _), last in zip(searches, trials, strict=True)
            ]
        )
        # One search has no spread.
        error = at.std(0, ddof=1) / np.sqrt(args.seeds) if args.seeds > 1 else None
        found[name] = {
            "mean": at.mean(0).tolist(),
            "standard_error": None if error is None else error.tolist(),
            "worst": at.min(0).tolist(),
            "trials": float(np.mean(trials)),
            "cpu_seconds": seconds,
        }
        cells = [f"{one:.2f}" for one in at.mean(0)]
        if error is not None:
            cells = [f"{one} ± {b:.2f}" for one, b in zip(cells, error, strict=True)]
        shown.add_row(
            name,
            *cells[:-1],
            f"{at[:, -2].min():.2f}",
            cells[-1],
            f"{np.mean(trials):.0f}",
            f"{seconds:.1f}",
        )
    for name, column in COUNTS.items():
        first = f"{table.truth[int(np.argmax(table.columns[column]))]:.2f}"
        shown.add_row(f"most {name}", *[first] * (len(args.trials) + 2), "0", "0.0")
    print(json.dumps(found, indent=1)) if args.json else Console(width=130).print(shown)


if __name__ == "__main__":
    main()
