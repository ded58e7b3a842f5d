"""Files that are whole or absent, wherever the process is killed."""

import io
import os

import numpy as np
import tensorflow as tf


def write_atomically(path, data):
    """Writes bytes under a temporary name and renames them into place.

    KerasTuner writes its files in place, and a process killed meanwhile leaves
    half of one. On remote storage (`gs://...`) an object appears whole when it
    is closed, so it is written directly.

    Args:
        path: String.
        data: Bytes.
    """
    if "://" in path:
        with tf.io.gfile.GFile(path, "wb") as file:
            file.write(data)
        return
    temporary = f"{path}.tmp"
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def arrays_to_bytes(arrays):
    """Returns `{name: array}` as the bytes of an `.npz` file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def read_arrays(path):
    """Reads `{name: array}` from an `.npz` file.

    Raises:
        RuntimeError: If the file is missing or damaged.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            data = io.BytesIO(file.read())
        with np.load(data, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:
        raise RuntimeError(
            f"The oracle's state at {path} cannot be read ({type(error).__name__}: {error}). "
            "Pass `overwrite=True` or another `project_name` to begin anew."
        ) from error


def remove_others(directory, pattern, kept):
    """Removes the files of a directory that match a pattern, but for one."""
    for path in tf.io.gfile.glob(os.path.join(directory, pattern)):
        if os.path.basename(path) != kept:
            tf.io.gfile.remove(path)


def mend_trials(oracle):
    """Mends what a kill leaves between the files of KerasTuner, on a reloaded oracle."""
    # A trial that oracle.json does not know was killed between the two files: it never began, and
    # its architecture is drawn again.
    for trial_id in set(oracle.trials) - set(oracle.start_order):
        del oracle.trials[trial_id]
    # KerasTuner notes the end of a trial before it takes it from those under way: killed in
    # between, a trial that has ended and was learned from would be run and learned again.
    waiting = dict.fromkeys(oracle._retry_queue)
    oracle._retry_queue = [i for i in waiting if i not in oracle.end_order]
    for trial_id in oracle._retry_queue:
        forget_report(oracle.trials[trial_id])


def forget_report(trial):
    """Takes from a trial what it reported: it would be mistaken for the report of a new run."""
    trial.metrics = type(trial.metrics)()
    trial.score, trial.best_step = None, 0
