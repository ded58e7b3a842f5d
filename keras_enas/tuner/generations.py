"""The state of a search on disk, whole or not at all.

A generation is what a round leaves behind: shared weights, optimizer,
controller and what the round found, in one directory that appears by renaming.
"""

import hashlib
import io
import json
import math
import os
import shutil
import warnings

import numpy as np


class Generations:
    """Generations in one folder; the last two and the best are kept.

    Args:
        folder: String.
    """

    def __init__(self, folder):
        self._folder = folder

    def numbers(self):
        """The generations that are there, damaged ones included, oldest first."""
        if not os.path.isdir(self._folder):
            return []
        names = [name for name in os.listdir(self._folder) if name.startswith("generation-")]
        return sorted(int(name.partition("-")[2]) for name in names)

    def commit(self, number, arrays, record):
        """Writes a generation.

        Args:
            number: Integer, how many rounds have ended.
            arrays: Dict from file name to a dict from name to NumPy array.
            record: JSON-serialisable dict; must have `score`, higher is
                better, or None.
        """
        os.makedirs(self._folder, exist_ok=True)
        temporary = os.path.join(self._folder, f"writing-{number:06d}")
        shutil.rmtree(temporary, ignore_errors=True)
        os.makedirs(temporary)
        sums = {}
        for name, content in arrays.items():
            buffer = io.BytesIO()
            np.savez(buffer, **content)
            sums[name] = hashlib.sha256(buffer.getbuffer()).hexdigest()
            _write(os.path.join(temporary, f"{name}.npz"), buffer.getbuffer())
        text = json.dumps({"record": record, "sha256": sums}, indent=1)
        _write(os.path.join(temporary, "generation.json"), text.encode())
        _sync_folder(temporary)
        path = self._path(number)
        # A damaged generation of this number may be in the way.
        shutil.rmtree(path, ignore_errors=True)
        os.rename(temporary, path)
        _sync_folder(self._folder)
        self._remove_old()

    def newest(self, at_most):
        """Reads the newest whole generation.

        Args:
            at_most: Integer; later ones are passed over.

        Returns:
            `(number, arrays, record)`, or `(0, None, None)` if there is none.
            A damaged one is passed over with a warning.
        """
        for number in reversed(self.numbers()):
            if number > at_most:
                continue
            try:
                return number, *self._read(number)
            except Exception as error:
                warnings.warn(
                    f"Generation {number} in {self._folder} is damaged "
                    f"({type(error).__name__}: {error}). Going back to the one before.",
                    stacklevel=2,
                )
        return 0, None, None

    def _read(self, number):
        path = self._path(number)
        with open(os.path.join(path, "generation.json"), encoding="utf-8") as file:
            content = json.load(file)
        arrays = {}
        for name, expected in content["sha256"].items():
            with open(os.path.join(path, f"{name}.npz"), "rb") as file:
                data = file.read()
            if hashlib.sha256(data).hexdigest() != expected:
                raise ValueError(f"{name}.npz is not what was written")
            with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
                arrays[name] = {key: loaded[key] for key in loaded.files}
        return arrays, content["record"]

    def _remove_old(self):
        numbers = self.numbers()
        scores = {number: self._score(number) for number in numbers}
        best = max(scores, key=scores.get, default=None)
        for number in numbers[:-2]:
            if number != best or scores[number] == -math.inf:
                shutil.rmtree(self._path(number), ignore_errors=True)

    def _score(self, number):
        try:
            with open(os.path.join(self._path(number), "generation.json")) as file:
                score = json.load(file)["record"]["score"]
        except (OSError, ValueError, KeyError):
            score = None
        return -math.inf if score is None else score

    def _path(self, number):
        return os.path.join(self._folder, f"generation-{number:06d}")


def write_json(path, content):
    """Writes JSON, NumPy's numbers included, so that a kill leaves the old file or the new one."""
    temporary = f"{path}.tmp"
    _write(temporary, json.dumps(content, indent=1, default=plain_number).encode())
    os.replace(temporary, path)


def plain_number(number):
    """Makes a number of NumPy one of Python, which JSON knows: the `default` of `json.dumps`."""
    if isinstance(number, np.generic):
        return number.item()
    raise TypeError(f"{number!r} cannot be written as JSON.")


def _write(path, data):
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
