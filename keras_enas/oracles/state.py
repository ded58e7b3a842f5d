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
