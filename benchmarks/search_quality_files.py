"""Results that several processes make together, each of them once.

A result is a JSON file, which appears whole. Who makes it holds a lock on a file
beside it. The lock ends with its process, however that ends: the file stays, empty,
and keeps nobody out.
"""

import contextlib
import fcntl
import json
import math
import os


@contextlib.contextmanager
def claimed(path, wait=False):
    """Holds the lock of a result while the context lasts.

    Args:
        path: String, of the result.
        wait: Boolean, whether to wait for another process that holds it.

    Yields:
        Boolean, whether the lock is ours.
    """
    with open(f"{path}.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def read(path):
    """Returns the content of a JSON file."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(path, content):
    """Writes a JSON file that a kill leaves out or whole."""
    # A NaN is no JSON: better to fail than to write what other programs cannot read.
    write_text(path, json.dumps(content, indent=1, allow_nan=False))


def write_text(path, text):
    """Writes a text file that a kill leaves out or whole."""
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def finite(value):
    """A float; None for NaN and infinity, which JSON has not."""
    return float(value) if math.isfinite(value) else None


def made_together(jobs):
    """Makes the results that nobody has made or is making, then waits for the others.

    What its process left unmade, killed or by an error, another one that waits makes.

    Args:
        jobs: Dict from the path of a result to a callable that makes its content.

    Returns:
        Dict from path to content, in the order of `jobs`.
    """
    for wait in (False, True):
        for path, make in jobs.items():
            if os.path.exists(path):
                continue
            with claimed(path, wait) as ours:
                # Another process may have ended between the two lines above.
                if ours and not os.path.exists(path):
                    write(path, make())
    return {path: read(path) for path in jobs}


def same_settings(path, settings):
    """Keeps the settings of a run, or compares with those kept.

    Raises:
        SystemExit: If the run was begun with others; it names them.
    """
    with claimed(path, wait=True):
        if not os.path.exists(path):
            write(path, settings)
        kept = read(path)
    different = {
        name: (kept.get(name), settings.get(name))
        for name in sorted({*kept, *settings})
        if kept.get(name) != settings.get(name)
    }
    if different:
        raise SystemExit(
            f"{path}: this run was begun with other settings (kept, given): {different}. "
            "Give these, or another --output."
        )
