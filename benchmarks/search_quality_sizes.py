"""The sizes of `search_quality.py`: at what settings a space is measured."""

_SEARCH = {
    # As in the paper; the default of `ENASTuner` is "fair".
    "sampling": "controller",
    # Of a second opinion; 0: none.
    "candidates": 0,
    "rounds": 24,
    "warmup": 8,
    "updates": 10,
    "derive_batches": 10,
    "batch": 64,
    "epochs": 8,
    "top": 2,
    "random": 12,
    "training_seed": 7,
}
_QUICK_SEARCH = {
    "rounds": 2,
    "warmup": 1,
    "updates": 2,
    "derive_batches": 1,
    "epochs": 2,
    "top": 1,
    "random": 2,
    "train": 640,
    "validation": 256,
    "test": 500,
}

DEFAULTS = {
    "macro": {
        **_SEARCH,
        # Of `nasbench201_settings.REWARDS`.
        "reward": "",
        "learning_rate": 0.05,
        "child_learning_rate": 0.05,
        "shift": 2,
        "layers": 6,
        "filters": 16,
        "train": 20_000,
        "validation": 5_000,
        "test": 10_000,
    },
    "micro": {
        **_SEARCH,
        "reward": "",
        "rounds": 30,
        "warmup": 10,
        "random": 10,
        "learning_rate": 0.05,
        "child_learning_rate": 0.05,
        "shift": 2,
        "layers": 3,
        "filters": 8,
        "blocks": 4,
        "train": 12_000,
        "validation": 3_000,
        "test": 10_000,
    },
    "recurrent": {
        **_SEARCH,
        "learning_rate": 10.0,
        "child_learning_rate": 20.0,
        "updates": 8,
        "derive_batches": 5,
        "batch": 32,
        "steps": 35,
        "vocabulary": 2_000,
        "nodes": 8,
        "units": 96,
        "train": 200_000,
        "validation": 25_000,
        # More than Penn Treebank has: all of it.
        "test": 100_000,
    },
}

# Does it run? The figures mean nothing.
QUICK = {
    "macro": {**_QUICK_SEARCH, "layers": 3, "filters": 4},
    "micro": {**_QUICK_SEARCH, "layers": 1, "filters": 4, "blocks": 1},
    "recurrent": {
        **_QUICK_SEARCH,
        "nodes": 3,
        "units": 16,
        "vocabulary": 200,
        "train": 20_000,
        "validation": 5_000,
        "test": 5_000,
    },
}
