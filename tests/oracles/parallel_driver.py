"""A chief and two workers of KerasTuner's, a process each, that train tiny children.

    python parallel_driver.py FOLDER PORT WORKER_TIMEOUT STRATEGY

Each uses a stock `keras_tuner.Tuner`; who it is stands in its environment, as KerasTuner has it.
Worker `tuner1` dies by SIGKILL while it trains its first trial. Each training is noted in
`FOLDER/runs.txt`. Printed as JSON: how each process ended, and what the chief knows then.

They are forked from this process, which has loaded TensorFlow but not used it.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"

import json
import signal
import sys
import traceback

import keras
import keras_tuner
import numpy as np
from every_oracle import ORACLES

from keras_enas import OpChoice

TRIALS = 4
# Where the defaults are too large for four trials.
SETTINGS = {
    "enas": {"samples_per_update": 2, "units": 4},
    "evolution": {"population_size": 2, "sample_size": 2},
    "factorized": {"samples_per_update": 2},
}


class Small(keras_tuner.HyperModel):
    def build(self, hp):
        inputs = keras.Input((4,))
        x = inputs
        for i in range(3):
            makers = {f"w{n}": lambda n=n: keras.layers.Dense(n) for n in (2, 3, 4)}
            x = OpChoice(hp, f"op_{i}", makers)(x)
        model = keras.Model(inputs, keras.layers.Dense(1)(x))
        model.compile("sgd", "mse")
        return model


class NoteTraining(keras.callbacks.Callback):
    """Notes every training, and may die in it."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            me = os.environ["KERASTUNER_TUNER_ID"]
            with open(os.path.join(self.folder, "runs.txt"), "a") as file:
                file.write(f"{me}\n")
            if me == "tuner1":
                os.kill(os.getpid(), signal.SIGKILL)


class Counting:
    """Counts how often an oracle makes a worker wait, and what it learns from."""

    idle = learned = 0

    def create_trial(self, tuner_id):
        trial = super().create_trial(tuner_id)
        self.idle += trial.status == "IDLE"
        return trial

    def learn(self, architectures, rewards):
        self.learned += len(rewards)
        return super().learn(architectures, rewards)


def search(folder, timeout, strategy):
    settings = SETTINGS.get(strategy, {})
    oracle = type("CountingOracle", (Counting, ORACLES[strategy]), {})(
        "val_loss", max_trials=TRIALS, seed=0, worker_timeout=timeout, **settings
    )
    tuner = keras_tuner.Tuner(oracle, Small(), directory=folder, project_name="p")
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    tuner.search(
        x, y, validation_data=(x, y), batch_size=16, verbose=0, callbacks=[NoteTraining(folder)]
    )
    return oracle


def start(name, folder, port, timeout, strategy):
    """Forks a process that searches as `name`; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.environ["KERASTUNER_TUNER_ID"] = name
        os.environ["KERASTUNER_ORACLE_IP"] = "127.0.0.1"
        os.environ["KERASTUNER_ORACLE_PORT"] = port
        oracle = search(folder, float(timeout), strategy)
        if name == "chief":
            trials = oracle.trials.values()
            known = {
                "statuses": {trial.trial_id: trial.status for trial in trials},
                "order": oracle.end_order,
                "different": len({str(trial.hyperparameters.values) for trial in trials}),
                "learned": int(oracle.learned),
                "idle": int(oracle.idle),
            }
            with open(os.path.join(folder, "chief.json"), "w") as file:
                json.dump(known, file)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def say(folder, codes):
    """Prints how each process ended, and what the chief knows, if it ended well."""
    chief = None
    if codes["chief"] == 0:
        with open(os.path.join(folder, "chief.json")) as file:
            chief = json.load(file)
    print(json.dumps({"codes": codes, "chief": chief}))


def main(folder, port, timeout, strategy):
    names = ("chief", "tuner0", "tuner1")
    processes = {name: start(name, folder, port, timeout, strategy) for name in names}
    ended = {name: os.waitpid(pid, 0)[1] for name, pid in reversed(processes.items())}
    say(folder, {name: os.waitstatus_to_exitcode(status) for name, status in ended.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
