"""A search in a process of its own that may kill itself.

    python driver.py FOLDER [HOOK [STRATEGY]]

It searches a project in FOLDER by STRATEGY, the name of a class (`ENASOracle`), and dies by
SIGKILL at HOOK, one of `HOOKS` or `none`. When it comes to the end it writes what the search ended
with to `FOLDER/end.json`.
"""

import os
import signal
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"

import hashlib
import json
import warnings

import keras
from small_space import STRATEGIES, TINY, SmallSpace, load

from keras_enas import ENASTuner, SuccessiveHalving
from keras_enas.oracles import oracle as oracle_module
from keras_enas.tuner import generations, second_opinion, state
from keras_enas.tuner import round as rounds
from keras_enas.tuner.derivation import completed_trials

ROUNDS = 3


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner, name, matches, nth=1):
    """Kills before the nth call of `owner.name` whose arguments match."""
    original, calls = getattr(owner, name), []

    def wrapper(*args, **kwargs):
        if matches(*args):
            calls.append(args)
            if len(calls) == nth:
                kill()
        return original(*args, **kwargs)

    setattr(owner, name, wrapper)


def after(owner, name, matches):
    """Kills after the first call of `owner.name` whose arguments match."""
    original = getattr(owner, name)

    def wrapper(*args, **kwargs):
        result = original(*args, **kwargs)
        if matches(*args):
            kill()
        return result

    setattr(owner, name, wrapper)


class KillAtBatch(keras.callbacks.Callback):
    """Kills in the middle of an epoch."""

    epoch = None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if KillAtBatch.hooked and self.epoch == 1 and batch == 3:
            kill()

    hooked = False


def any_call(*_):
    return True


def ends(*parts):
    """Matches calls one of whose strings ends like one of `parts`."""
    return lambda *args: any(str(a).endswith(parts) for a in args)


def generation(name):
    """Matches the file or folder `name` of the generation of the second round."""
    return lambda *args: any(f"-000002/{name}" in f"{a}/" for a in args)


# One round scores 2 * 4 samples and derives from 3 on 2 batches; then a search derives once.
HOOKS = {
    "first round": lambda: before(rounds, "controller_phase", any_call),
    "shared weights": lambda: setattr(KillAtBatch, "hooked", True),
    "controller": lambda: before(oracle_module.SearchOracle, "learn", any_call, 4),
    "derive": lambda: before(rounds.Judge, "score", any_call, 5),
    "before the first file": lambda: before(generations, "_write", generation("")),
    "after the first file": lambda: after(generations, "_write", generation("weights.npz")),
    "last file": lambda: before(generations, "_write", generation("generation.json")),
    "before the rename": lambda: before(os, "rename", generation("")),
    "after the rename": lambda: after(os, "rename", generation("")),
    "after the commit": lambda: after(
        generations.Generations, "commit", lambda _, number, *__: number == 2
    ),
    "round.json": lambda: before(ENASTuner, "get_trial_dir", ends("1")),
    "update_trial": lambda: before(oracle_module.SearchOracle, "update_trial", any_call, 2),
    "end_trial": lambda: before(oracle_module.SearchOracle, "end_trial", any_call, 2),
    "trial.json": lambda: before(os, "replace", ends("trial.json"), 4),
    "first oracle.json": lambda: before(os, "replace", ends("oracle.json"), 1),
    # 2: the first trial begins; 3: it ends; 4: the tuner is saved; 5: the second begins.
    **{
        f"oracle.json {n}": lambda n=n: before(os, "replace", ends("oracle.json"), n)
        for n in range(2, 8)
    },
    "tuner0.json": lambda: before(os, "replace", ends("tuner0.json"), 2),
    "between the rounds": lambda: before(oracle_module.SearchOracle, "create_trial", any_call, 3),
    "final derive": lambda: before(rounds, "derive", any_call, ROUNDS + 1),
    "second opinion": lambda: before(second_opinion.Journal, "end", any_call, 2),
    # Of the second rung.
    "second opinion's weights": lambda: after(second_opinion, "write_atomically", ends("-1.npz")),
    "second opinion's journal": lambda: after(second_opinion, "write_json", any_call),
    "derived.json": lambda: before(os, "replace", ends("derived.json")),
}


def digest(arrays):
    total = hashlib.sha256()
    for name in sorted(arrays):
        total.update(name.encode() + arrays[name].dtype.str.encode() + arrays[name].tobytes())
    return total.hexdigest()


def main(folder, hook="none", strategy="ENASOracle"):
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    if hook != "none":
        HOOKS[hook]()
    (x, y), validation = load()
    other = {}
    if strategy != "ENASOracle":
        (kind,) = [one for one in STRATEGIES if one.__name__ == strategy]
        oracle = kind("val_accuracy", max_trials=ROUNDS, seed=0, **STRATEGIES[kind])
        other["oracle"] = oracle
    tuner = ENASTuner(
        SmallSpace(),
        **{**TINY, "max_trials": ROUNDS},
        **other,
        derive_strategy=SuccessiveHalving(3, factor=1.5),
        seed=0,
        directory=folder,
        project_name="p",
    )
    tuner.search(
        x, y, validation_data=validation, batch_size=50, callbacks=[KillAtBatch()], verbose=0
    )
    end = {
        "weights": digest(state.get_arrays(tuner.supergraph)),
        "oracle": digest(tuner.oracle.get_arrays()),
        "scores": [trial.score for trial in completed_trials(tuner)],
        "values": [trial.hyperparameters.values for trial in completed_trials(tuner)],
    }
    with open(os.path.join(folder, "end.json"), "w") as file:
        json.dump(end, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
