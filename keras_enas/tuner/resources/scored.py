"""The architectures that the shared weights as they are have scored so far."""

import dataclasses
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
    found, after, _ = results.read_found(_path(tuner), tuner.space)
    return with_costs(tuner, found) if after == len(tuner.oracle.end_order) else []


def with_costs(tuner, found):
    """Returns architectures read from disk with what they cost by the tuner's own `cost`.

    It may be another one than was written with them.
    """
    costs = tuner.resources.costs([one.architecture.indices for one in found])
    return [dataclasses.replace(one, cost=cost) for one, cost in zip(found, costs, strict=True)]


def _path(tuner):
    return os.path.join(tuner.project_dir, "scored.json")
