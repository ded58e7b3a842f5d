"""Memory figures of `step_time.py`; each runs in a process of its own and prints JSON.

python benchmarks/step_time_memory.py peak supergraph 16 64
python benchmarks/step_time_memory.py growth 300
"""

import gc
import json
import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner
import numpy as np
import step_time_spaces as spaces

from keras_enas import ENASTuner, HyperMacroCNN, Supergraph
from keras_enas.search_space import recorded_space


def megabytes(field):
    """`VmHWM` (peak) or `VmRSS` (now) of this process, in MB; Linux only.

    Not `resource.getrusage`: its peak counts what the parent had when it forked.
    """
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(field))
    return int(line.split()[1]) / 1024


def peak(kind, filters, batch_size, seed=1):
    """Peak memory of 12 steps; the supergraph trains another architecture in each."""
    rng = np.random.default_rng(0)
    x = rng.random((batch_size * 12, *spaces.SHAPE), dtype="float32")
    y = rng.integers(0, spaces.CLASSES, len(x))
    hypermodel = spaces.macro(filters)
    supergraph = Supergraph(hypermodel, seed=0) if kind == "supergraph" else None
    if supergraph is None:
        # The space without the supergraph, whose memory must not count here.
        hp = keras_tuner.HyperParameters()
        hypermodel.build(hp)
        space = recorded_space(hp)
        keras.backend.clear_session()
        indices = space.random(1, np.random.default_rng(seed))[0]
        model = spaces.child_of(hypermodel, space, indices)
        if kind == "stock":
            model = spaces.stock_of(hypermodel, model)
            gc.collect()
    else:
        model = supergraph
        model.set_architectures(model.space.random(12, np.random.default_rng(seed)))
    before = megabytes("VmRSS")
    model.fit(x, y, batch_size=batch_size, verbose=0)
    return {"peak": megabytes("VmHWM"), "before": before}


def growth(rounds):
    """Resident memory at the end of every round of a small search."""
    found = []
    rng = np.random.default_rng(0)
    x, y = rng.random((32, 8, 8, 1), dtype="float32"), rng.integers(0, 3, 32)
    with tempfile.TemporaryDirectory() as folder:
        tuner = ENASTuner(
            HyperMacroCNN((8, 8, 1), 3, num_layers=3, filters=4),
            max_trials=rounds,
            controller_updates=1,
            samples_per_update=2,
            derive_samples=2,
            final_samples=2,
            seed=0,
            directory=folder,
        )
        note = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: found.append(megabytes("VmRSS"))
        )
        tuner.search(x, y, validation_data=(x, y), batch_size=16, callbacks=[note], verbose=0)
        traces = tuner.supergraph.train_traces, tuner._shared.scorer.traces
    return {"resident": found, "train_traces": traces[0], "score_traces": traces[1]}


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "peak":
        result = peak(arguments[0], *map(int, arguments[1:]))
    else:
        result = growth(int(arguments[0]))
    print(json.dumps(result))
