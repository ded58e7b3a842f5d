"""Searches under a stock tuner in processes that may kill themselves.

    python kill_driver.py FOLDER

For every strategy there is one search never interrupted and one that dies by SIGKILL, twice (the
controller's once), in processes of their own. What they ended with is printed as JSON:
`{strategy: [whole, resumed]}`. They are forked from this process, which has loaded TensorFlow but
not used it.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"

import hashlib
import json
import signal
import sys
import traceback

from every_oracle import ORACLES, Choices, CountingTuner, settings_of

from keras_enas.search_space import Decision, SearchSpace

SPACE = SearchSpace([Decision(f"node_{i}", "op", ("a", "b", "c")) for i in range(4)])
TRIALS = 9
# In the middle of a trial, and between two files of its end.
KILLED_AT = (("run_trial", 4), ("replace", 22))


def kill_at(name, nth):
    """Kills before the nth call of `os.replace` or of `CountingTuner.run_trial`."""
    owner = os if name == "replace" else CountingTuner
    original, calls = getattr(owner, name), []

    def wrapper(*args, **kwargs):
        calls.append(name)
        if len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(owner, name, wrapper)


def search(name, folder, project):
    settings = settings_of(name)
    if name == "enas":
        settings["samples_per_update"] = 4
    oracle = ORACLES[name]("val_accuracy", max_trials=TRIALS, seed=3, **settings)
    tuner = CountingTuner(oracle, Choices(SPACE), directory=folder, project_name=project)
    tuner.search(verbose=0)
    total = hashlib.sha256()
    for key, array in sorted(oracle.get_arrays().items()):
        total.update(key.encode() + array.tobytes())
    end = {
        "arrays": total.hexdigest(),
        "order": oracle.end_order,
        "values": [oracle.trials[i].hyperparameters.values for i in oracle.end_order],
        "scores": [oracle.trials[i].score for i in oracle.end_order],
    }
    with open(os.path.join(folder, f"{project}.json"), "w") as file:
        json.dump(end, file)


def in_a_process(work):
    """Forks, does the work there, and returns the signal or code that it ended with."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(folder):
    ends = {}
    for name in ORACLES:
        whole, resumed = f"{name}-whole", f"{name}-resumed"
        assert in_a_process(lambda p=whole, n=name: search(n, folder, p)) == 0, name
        # A controller is slow to trace.
        for hook in KILLED_AT[: 1 if name == "enas" else None]:

            def killed(n=name, p=resumed, h=hook):
                kill_at(*h)
                search(n, folder, p)

            code = in_a_process(killed)
            assert code == -signal.SIGKILL, (name, hook, code)
        assert in_a_process(lambda p=resumed, n=name: search(n, folder, p)) == 0, name
        ends[name] = []
        for project in (whole, resumed):
            with open(os.path.join(folder, f"{project}.json")) as file:
                ends[name].append(json.load(file))
    print(json.dumps(ends))


if __name__ == "__main__":
    main(sys.argv[1])
