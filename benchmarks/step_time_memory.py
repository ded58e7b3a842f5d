"""Memory figures of `step_time.py`: the parts `memory` and `growth`.

Each runs in a process of its own, which prints JSON:

    python benchmarks/step_time_memory.py peak supergraph 16 64
    python benchmarks/step_time_memory.py peak child 16 64 1 6    # micro space, 6 normal cells
    python benchmarks/step_time_memory.py growth 300
"""

import json
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import step_time_search as search
import step_time_spaces as spaces
import step_time_stock as stock
from step_time_turns import note

from keras_enas import Supergraph


def measure_memory(filters, batch_size, args):
    """Peaks in fresh processes; the median over some stock children."""
    supergraph = _in_a_process_of_its_own(args, "peak", "supergraph", filters, batch_size)["peak"]
    stocks = [
        _in_a_process_of_its_own(args, "peak", "stock", filters, batch_size, seed)["peak"]
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
    result = _in_a_process_of_its_own(args, "growth", rounds)
    resident = result.pop("resident")
    early, late = np.median(resident[15:25]), np.median(resident[-10:])
    return {
        "memory_growth": float(late / early) - 1,
        "megabytes": {"round 20": float(early), f"round {rounds}": float(late)},
        **result,
    }


def _in_a_process_of_its_own(args, *arguments):
    environment = {**os.environ}
    if args.threads:
        environment["TF_NUM_INTRAOP_THREADS"] = str(args.threads)
        environment["TF_NUM_INTEROP_THREADS"] = str(args.threads)
    command = [sys.executable, str(pathlib.Path(__file__).resolve()), *map(str, arguments)]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if output.returncode:
        raise RuntimeError(output.stderr[-4000:])
    return json.loads(output.stdout.strip().splitlines()[-1])


def megabytes(field):
    """`VmHWM` (peak) or `VmRSS` (now) of this process, in MB; Linux only.

    Not `resource.getrusage`: its peak counts what the parent had when it forked.
    """
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(field))
    return int(line.split()[1]) / 1024


def measure_micro_memory(args):
    """Peaks in fresh processes of the micro supergraph, and the median over some children."""
    settings = (args.filters, args.batch)
    peaks = {
        kind: [
            _in_a_process_of_its_own(args, "peak", kind, *settings, seed, args.cells)["peak"]
            for seed in seeds
        ]
        for kind, seeds in (("supergraph", [1]), ("child", [1] if args.quick else [1, 2, 3]))
    }
    note(f"peak MB: {peaks}")
    median = {kind: float(np.median(values)) for kind, values in peaks.items()}
    return {
        "micro_memory_vs_child": median["supergraph"] / median["child"],
        "megabytes": median,
    }


def peak(kind, filters, batch_size, seed=1, cells=None):
    """Peak memory of 12 steps; the supergraph trains another architecture in each.

    Args:
        kind: String, `supergraph`, `child` or `stock` (the child written by hand).
        filters: Integer, channels of every layer.
        batch_size: Integer.
        seed: Integer, draws the architectures.
        cells: Integer, normal cells; then it is the micro space, not the macro space.

    Returns:
        Dict of `peak` and of `before` the first step, in MB.
    """
    x, y = spaces.noise(batch_size * 12)
    hypermodel = spaces.micro(filters, cells) if cells else spaces.macro(filters)
    rng = np.random.default_rng(seed)
    if kind == "supergraph":
        model = Supergraph(hypermodel, seed=0)
        model.set_architectures(model.space.random(12, rng))
    else:
        # The space without the supergraph, whose memory must not count here.
        space = spaces.space_of(hypermodel)
        keras.backend.clear_session()
        build = {"child": spaces.child_of, "stock": stock.by_hand}[kind]
        model = build(hypermodel, space.architecture(space.random(1, rng)[0]))
    before = megabytes("VmRSS")
    model.fit(x, y, batch_size=batch_size, verbose=0)
    return {"peak": megabytes("VmHWM"), "before": before}


def growth(rounds):
    """Resident memory at the end of every round of a small search."""
    found = []
    x, y = spaces.noise(32, search.SHAPE, search.CLASSES)
    with search.small_tuner(
        3,
        max_trials=rounds,
        controller_updates=1,
        samples_per_update=2,
        derive_samples=2,
        final_samples=2,
    ) as tuner:
        end_of_round = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: found.append(megabytes("VmRSS"))
        )
        data = {"validation_data": (x, y), "batch_size": 16, "verbose": 0}
        tuner.search(x, y, callbacks=[end_of_round], **data)
        return {"resident": found, **search.traces_of(tuner)}


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "peak":
        result = peak(arguments[0], *map(int, arguments[1:]))
    else:
        result = growth(int(arguments[0]))
    print(json.dumps(result))
