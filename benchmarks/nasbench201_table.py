"""The published results of NAS-Bench-201, by which a search is judged and never guided."""

import csv
import gzip
import os

import numpy as np

import keras_enas as ke
from keras_enas.hypermodels.children import space_of

# What a search must beat: columns of the table that count.
COUNTS = {"parameters": "params_cifar10", "FLOPs": "flops_cifar10"}


class Table:
    """All 15,625 cells.

    Args:
        folder: String, which holds `nasbench201/nasbench201.csv.gz`.

    Attributes:
        space: The `SearchSpace`.
        architectures: int32 array `(15625, 6)`.
        columns: Dict from column to float array `(15625,)`.
        truth: Test accuracy on CIFAR-10 after 200 epochs, percent.
    """

    def __init__(self, folder):
        path = os.path.join(folder, "nasbench201", "nasbench201.csv.gz")
        if not os.path.exists(path):
            raise SystemExit(f"--data: there is no {path}.")
        hypermodel = ke.HyperNASBench201((32, 32, 3), 10)
        self.space = space_of(hypermodel)
        labels = self.space.decisions[0].candidates
        with gzip.open(path, "rt") as file:
            rows = list(csv.DictReader(file))
        self.architectures = np.array(
            [
                [
                    labels.index(edge.split("~")[0])
                    for edge in row["arch_str"].split("|")
                    if "~" in edge
                ]
                for row in rows
            ],
            np.int32,
        )
        self.columns = {
            name: np.array([float(row[name]) for row in rows])
            for name in rows[0]
            if name not in ("index", "arch_str")
        }
        self.truth = self.columns["cifar10_test_200"]
        self._rows = {tuple(one): row for row, one in enumerate(self.architectures.tolist())}

    def row(self, architecture):
        """The row of an `Architecture`, its text or its indices."""
        if isinstance(architecture, str):
            architecture = self.space.parse(architecture)
        return self._rows[tuple(int(i) for i in getattr(architecture, "indices", architecture))]

    def true_accuracy(self, architecture):
        """Test accuracy of one, percent."""
        return float(self.truth[self.row(architecture)])

    def latency(self, architecture, settings):
        """Milliseconds of one, by the column that the settings name."""
        return float(self.columns[settings["latency"]][self.row(architecture)])


def allowed_cells(table, settings):
    """Booleans: the cells that a search may return, by their latency."""
    if not settings["latency_target"]:
        return np.ones(len(table.truth), bool)
    near = np.abs(table.columns[settings["latency"]] / settings["latency_target"] - 1) <= 0.05
    if not near.any():
        raise SystemExit(
            f"No cell is within 5 % of {settings['latency_target']:g} ms ({settings['latency']})."
        )
    return near
