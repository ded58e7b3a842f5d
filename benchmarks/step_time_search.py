"""What else a search does beside its steps: the parts `traces` and `speeds`."""

import contextlib
import tempfile

import numpy as np
import step_time_spaces as spaces
from step_time_turns import cpu

from keras_enas import ENASTuner, HyperMacroCNN
from keras_enas.oracles import ENASOracle

# Of the searches that count traces and memory: small, since their number of rounds matters.
SHAPE, CLASSES = (8, 8, 1), 3


@contextlib.contextmanager
def small_tuner(num_layers, **settings):
    """Gives a tuner of small images, in a folder that goes when it is done."""
    hypermodel = HyperMacroCNN(SHAPE, CLASSES, num_layers=num_layers, filters=4)
    with tempfile.TemporaryDirectory() as folder:
        yield ENASTuner(hypermodel, seed=0, directory=folder, **settings)


def traces_of(tuner):
    """How often a tuner has traced its two steps."""
    return {
        "train_traces": tuner.supergraph.train_traces,
        "score_traces": tuner._shared.scorer.traces,
    }


def measure_traces(args):
    """A whole search, with partial batches, and the scores after it."""
    x, y = spaces.noise(90, SHAPE, CLASSES)
    with small_tuner(
        6,
        max_trials=3 if args.quick else 10,
        controller_updates=2,
        samples_per_update=4,
        final_samples=10,
    ) as tuner:
        data = {"validation_data": (x[:50], y[:50]), "epochs": 2, "verbose": 0}
        tuner.search(x, y, batch_size=32, **data)
        tuner.get_best_architectures(3)
        return traces_of(tuner)


def measure_speeds(args):
    """The default oracle on the macro space of 12 layers."""
    oracle = ENASOracle(seed=0)
    oracle.set_space(spaces.space_of(spaces.macro(2)))
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
