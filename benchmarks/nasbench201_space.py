"""The hypermodel that every search of the benchmark searches."""

import keras_enas as ke


def hypermodel_of(settings, images):
    """Makes it, of settings as in `nasbench201_settings.py` and images `(n, size, size, 3)`."""
    return ke.HyperNASBench201(
        images.shape[1:],
        10,
        cells_per_stage=settings["cells"],
        filters=settings["filters"],
        child_cells=settings["child_cells"],
        learning_rate=settings["learning_rate"],
        weight_decay=settings["weight_decay"],
    )
