"""The named recipes.

"Code" is the released melodyguan/enas (the `*_final.sh` scripts), "enas_lm" the
corrected language-model code (google-research, `enas_lm/src/fixed_lib.py`).
"""

from keras_enas.training.recipe import Recipe

_IMAGES = {
    "learning_rate": "paper and code",
    "first_cycle": "paper and code: T0 = 10",
    "cycle_growth": "paper and code: Tmul = 2",
    "momentum": "paper and code",
    "nesterov": "paper and code",
    "l2": "code; the paper says 1e-4",
    "clipnorm": "code, where it is computed and not applied",
    "shift": "paper and code",
    "flip": "paper and code",
}
_SMALL = "ours, for minutes on a CPU"

macro = Recipe(
    name="macro",
    epochs=310,
    batch_size=100,
    learning_rate=0.05,
    minimum_learning_rate=0.001,
    first_cycle=10,
    cycle_growth=2,
    momentum=0.9,
    nesterov=True,
    l2=2e-4,
    clipnorm=5.0,
    head_dropout=0.5,
    shift=4,
    flip=True,
    sources={
        **_IMAGES,
        "epochs": "paper and code",
        "batch_size": "code",
        "minimum_learning_rate": "paper and code",
        "head_dropout": "code: keeps 0.5",
        "drop_path_keep": "off: the macro network of the code ignores its flag",
        "auxiliary_weight": "off: the macro network of the code has no such head",
    },
)

micro = Recipe(
    name="micro",
    epochs=630,
    batch_size=144,
    learning_rate=0.05,
    minimum_learning_rate=0.0001,
    first_cycle=10,
    cycle_growth=2,
    momentum=0.9,
    nesterov=True,
    l2=2e-4,
    clipnorm=5.0,
    head_dropout=0.2,
    drop_path_keep=0.6,
    auxiliary_weight=0.4,
    shift=4,
    flip=True,
    sources={
        **_IMAGES,
        "epochs": "code; the paper searches for 310",
        "batch_size": "code",
        "minimum_learning_rate": "code; the paper says 0.001",
        "head_dropout": "code: keeps 0.8",
        "drop_path_keep": "code",
        "auxiliary_weight": "code, where the head itself is not trained",
        "cutout": "off: the setting of 3.54 %",
    },
)

micro_cutout = Recipe.from_config(
    {
        **micro.get_config(),
        "name": "micro_cutout",
        "cutout": 16,
        "sources": {**micro.sources, "cutout": "paper: the setting of 2.89 %"},
    }
)

recurrent = Recipe(
    name="recurrent",
    epochs=3000,
    batch_size=64,
    learning_rate=20.0,
    minimum_learning_rate=0.0,
    first_cycle=None,
    momentum=0.0,
    nesterov=False,
    l2=8e-7,
    global_clipnorm=0.25,
    averaging_patience=10,
    activation_l2=0.7,
    slowness=0.0,
    sources={
        "epochs": "enas_lm",
        "batch_size": "enas_lm; streams of 35 steps",
        "learning_rate": "enas_lm; the paper lets it fall by 0.96 an epoch from the 15th",
        "first_cycle": "off: a constant rate",
        "momentum": "enas_lm and paper: plain gradient descent",
        "l2": "enas_lm; the paper says 1e-7",
        "global_clipnorm": "enas_lm and paper",
        "averaging_patience": "enas_lm",
        "activation_l2": "enas_lm, on a GPU",
        "slowness": "off in enas_lm; 1.0 in its search, 1e-3 in the code",
    },
)

macro_small = Recipe(
    name="macro_small",
    epochs=14,
    batch_size=128,
    learning_rate=0.05,
    minimum_learning_rate=0.001,
    first_cycle=2,
    cycle_growth=2,
    momentum=0.9,
    nesterov=True,
    l2=2e-4,
    clipnorm=5.0,
    head_dropout=0.1,
    shift=2,
    flip=True,
    sources={
        **_IMAGES,
        "epochs": _SMALL,
        "batch_size": "the paper's search",
        "minimum_learning_rate": "paper and code",
        "first_cycle": f"{_SMALL}: ends at 2, 6, 14, 30",
        "head_dropout": "the code's search: keeps 0.9",
        "shift": "ours, for images of 16x16",
    },
)

micro_small = Recipe(
    name="micro_small",
    epochs=14,
    batch_size=128,
    learning_rate=0.05,
    minimum_learning_rate=0.0005,
    first_cycle=2,
    cycle_growth=2,
    momentum=0.9,
    nesterov=True,
    l2=2e-4,
    clipnorm=5.0,
    head_dropout=0.1,
    drop_path_keep=0.9,
    auxiliary_weight=0.4,
    shift=2,
    flip=True,
    sources={
        **_IMAGES,
        "epochs": _SMALL,
        "batch_size": _SMALL,
        "minimum_learning_rate": "the code's search",
        "first_cycle": f"{_SMALL}: ends at 2, 6, 14, 30",
        "head_dropout": "the code's search: keeps 0.9",
        "drop_path_keep": "ours: a short training needs less",
        "auxiliary_weight": "code, where the head itself is not trained",
        "shift": "ours, for images of 16x16",
    },
)

recurrent_small = Recipe(
    name="recurrent_small",
    epochs=20,
    batch_size=32,
    learning_rate=20.0,
    minimum_learning_rate=0.0,
    first_cycle=None,
    momentum=0.0,
    nesterov=False,
    l2=8e-7,
    global_clipnorm=0.25,
    averaging_patience=3,
    activation_l2=0.7,
    slowness=0.0,
    sources={
        "epochs": _SMALL,
        "batch_size": _SMALL,
        "learning_rate": "enas_lm",
        "first_cycle": "off: a constant rate",
        "momentum": "enas_lm and paper: plain gradient descent",
        "l2": "enas_lm",
        "global_clipnorm": "enas_lm and paper",
        "averaging_patience": _SMALL,
        "activation_l2": "enas_lm, on a GPU",
    },
)
