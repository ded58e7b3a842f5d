"""The architectures that the shared weights as they are have scored so far."""

import os

from keras_enas.tuner import results


def keep(tuner, found):
    """Adds a list of `FoundArchitecture` to those scored so far, if the tuner has a cost."""
    if tuner.resources:
        known = {one.architecture: one for one in scored(tuner)}
        known.update((one.architecture, one) for one in found)
        results.write_found(_path(tuner), list(known.values()), len(tuner.oracle.end_order))


def scored(tuner):
    """Returns the architectures scored so far, a list of `FoundArchitecture`.

    What was scored with the weights of an earlier round is not among them: it
    cannot be compared.
    """
    found, after = results.read_found(_path(tuner), tuner.space)
    return found if after == len(tuner.oracle.end_order) else []


def _path(tuner):
    return os.path.join(tuner.project_dir, "scored.json")
