"""Published architectures as plain data: text, settings, source and figures.

```python
published = keras_enas.published.ENAS_MICRO
hypermodel = keras_enas.HyperMicroCNN((32, 32, 3), 10, **published.settings)
model = hypermodel.build_architecture(published)
```

Nodes 0 and 1 of a cell are the outputs of the cell before the last and of the
last one. (The code of NASNet, PNASNet and AmoebaNet counts these two the other way
round.)
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class PublishedFigure:
    """A figure that was published for an architecture, or counted for it.

    Args:
        quantity: String, such as `"CIFAR-10 test error, %"`.
        value: Float or string.
        source: String, where it stands.
        recalled: Boolean, whether it was written down from memory: check it before
            you print it.
    """

    quantity: str
    value: float | str
    source: str
    recalled: bool = False


@dataclasses.dataclass(frozen=True)
class PublishedArchitecture:
    """An architecture that somebody published, and the network it was published in.

    Args:
        name: String.
        space: `"macro"`, `"micro"` or `"recurrent"`: `HyperMacroCNN`,
            `HyperMicroCNN` or `HyperRecurrentLM`.
        text: String that the `parse` of such a space reads. It names operations by
            their labels, so it means the same in every order of the operations.
        settings: Dict of arguments of that hypermodel.
        source: String, repository and file.
        figures: Tuple of `PublishedFigure`.
    """

    name: str
    space: str
    text: str
    settings: dict = dataclasses.field(hash=False)
    source: str
    figures: tuple = ()


_ERROR = "CIFAR-10 test error, %"
_CUTOUT_ERROR = "CIFAR-10 test error with cutout, %"
_ACCURACY = "CIFAR-10 test accuracy, %"
_PARAMETERS = "parameters, millions"
_COUNTED = "trainable parameters, counted"
_PERPLEXITY = "Penn Treebank test perplexity"
_PAPER = "Pham et al. 2018, table 2"
_REPRINTED = "Pham et al. 2018, table 2, as reprinted in a book chapter"
_ENAS = "melodyguan/enas"
_ENAS_LM = "google-research/google-research, enas_lm"

# === Whole networks ===

ENAS_MACRO = PublishedArchitecture(
    name="ENAS macro",
    space="macro",
    text=(
        "conv3 | sep5 0 | conv3 10 | conv5 001 | conv5 0000 | sep5 11010 | conv5 000001 | "
        "conv5 0110111 | sep3 01110101 | conv3 000000000 | conv5 0000010000 | "
        "conv3 10011000011 | conv5 010000010110 | sep3 0010001110101 | conv3 11010100000100 | "
        "conv5 001000000010101 | conv5 0100010011110010 | conv5 00001010100101001 | "
        "sep5 011010000010101000 | sep5 0110000000001100001 | conv3 10010110001000001100 | "
        "sep5 010110010110110100100 | conv3 1010100000000101001000 | "
        "conv3 11000111010001010011000"
    ),
    settings={
        "num_layers": 24,
        "filters": 96,
        "operations": ["conv3", "sep3", "conv5", "sep5"],
        "form": "final",
    },
    source=f"{_ENAS} 4bcfd73, scripts/cifar10_macro_final.sh",
    figures=(
        PublishedFigure(_ERROR, 4.23, _PAPER, recalled=True),
        PublishedFigure(_PARAMETERS, 21.3, _PAPER, recalled=True),
        PublishedFigure(f"{_ERROR}, more channels", 3.87, _PAPER, recalled=True),
        PublishedFigure(f"{_PARAMETERS}, more channels", 38.0, _PAPER, recalled=True),
    ),
)

# What the released script trains: its fixed network takes ids 1 and 3, the separable
# convolutions, for plain ones.
ENAS_MACRO_RELEASED = PublishedArchitecture(
    name="ENAS macro, plain convolutions as in the released code",
    space="macro",
    text=ENAS_MACRO.text.replace("sep", "conv"),
    settings={**ENAS_MACRO.settings, "operations": ["conv3", "conv5"]},
    source=f"{_ENAS} 4bcfd73, scripts/cifar10_macro_final.sh and src/cifar10/general_child.py",
    figures=(
        PublishedFigure(_COUNTED, 42_559_392, "by tracing the released code"),
        PublishedFigure(_ACCURACY, "about 96.1, expected", f"an author in {_ENAS}#7"),
        PublishedFigure(_ACCURACY, 96.01, f"a user in {_ENAS}#15: 310 epochs, 2,126 minutes"),
    ),
)

# === Cells of convolutional networks ===

ENAS_MICRO = PublishedArchitecture(
    name="ENAS micro",
    space="micro",
    text=(
        "0 avg3 0 sep3 | 0 identity 0 sep5 | 0 identity 1 sep5 | 1 sep3 0 sep5 | 0 avg3 1 sep5"
        " | 1 sep3 1 sep3 | 0 max3 0 avg3 | 1 sep5 3 sep5 | 1 sep3 0 identity | 0 max3 1 sep5"
    ),
    settings={"num_layers": 15, "filters": 36, "form": "final"},
    source=f"{_ENAS} 4bcfd73, scripts/cifar10_micro_final.sh",
    figures=(
        PublishedFigure(_ERROR, 3.54, _REPRINTED),
        PublishedFigure(_CUTOUT_ERROR, 2.89, _REPRINTED),
        PublishedFigure(_PARAMETERS, 4.6, _REPRINTED),
        PublishedFigure(_COUNTED, 3_894_372, "by tracing the released code, no auxiliary head"),
        PublishedFigure(_ACCURACY, "about 96.5, expected", f"an author in {_ENAS}#7"),
        PublishedFigure(_ACCURACY, 96.12, f"a user in {_ENAS}#39, the exact setup"),
    ),
)

NASNET_A = PublishedArchitecture(
    name="NASNet-A (6 @ 768)",
    space="micro",
    text=(
        "1 sep5 0 sep3 | 0 sep5 0 sep3 | 1 avg3 0 identity | 0 avg3 0 avg3 | 1 sep3 1 identity"
        " | 1 sep5 0 sep7 | 1 max3 0 sep7 | 1 avg3 0 sep5 | 3 identity 2 avg3 | 2 sep3 1 max3"
    ),
    settings={
        "num_layers": 18,
        "filters": 32,
        "operations": "nasnet",
        "form": "final",
        "join": {"normal": (0, 2, 3, 4, 5, 6), "reduction": (3, 4, 5, 6)},
    },
    source="tensorflow/models, research/slim/nets/nasnet/nasnet_utils.py",
    figures=(
        PublishedFigure(_ERROR, 3.41, _REPRINTED),
        PublishedFigure(_CUTOUT_ERROR, 2.65, _REPRINTED),
        PublishedFigure(_PARAMETERS, 3.3, _REPRINTED),
    ),
)

AMOEBANET_A = PublishedArchitecture(
    name="AmoebaNet-A (6, 36)",
    space="micro",
    text=(
        "1 avg3 1 max3 | 0 sep3 0 identity | 1 identity 0 avg3 | 1 sep3 2 sep5 | 5 avg3 1 sep3"
        " | 0 sep3 1 avg3 | 1 max3 2 sep7 | 0 max3 1 max3 | 4 sep3 1 conv1x7_7x1 | 0 avg3 1 sep7"
    ),
    settings={
        "num_layers": 18,
        "filters": 36,
        "operations": "nasnet",
        "form": "final",
        "join": {"normal": (0, 3, 4, 6), "reduction": (2, 3, 4, 5, 6)},
    },
    source="tensorflow/tpu, models/official/amoeba_net/model_specs.py, amoeba_net_a",
    figures=(
        PublishedFigure(_ERROR, "3.34 +- 0.06", "Real et al. 2019", recalled=True),
        PublishedFigure(_PARAMETERS, 3.2, "Real et al. 2019", recalled=True),
    ),
)

_PNASNET_CELL = "0 sep5 0 max3 | 1 sep7 1 max3 | 1 sep5 1 sep3 | 4 sep3 1 max3 | 0 sep3 1 identity"

PNASNET_5 = PublishedArchitecture(
    name="PNASNet-5",
    space="micro",
    # One cell, which strides in the first place of the second and the third stage.
    text=f"{_PNASNET_CELL} | {_PNASNET_CELL}",
    settings={
        "num_layers": 7,
        "filters": 48,
        "operations": "nasnet",
        "form": "final",
        "join": "all",
        "reductions": (3, 6),
    },
    source="tensorflow/models, research/slim/nets/nasnet/pnasnet.py",
    figures=(
        PublishedFigure(_ERROR, 3.63, _REPRINTED),
        PublishedFigure(_ERROR, "3.41 +- 0.09", "Liu et al. 2018", recalled=True),
        PublishedFigure(_PARAMETERS, 3.2, _REPRINTED),
    ),
)

DARTS = PublishedArchitecture(
    name="DARTS, second order",
    space="micro",
    text=(
        "0 sep3 1 sep3 | 0 sep3 1 sep3 | 1 sep3 0 identity | 0 identity 2 dil3"
        " | 0 max3 1 max3 | 2 identity 1 max3 | 0 max3 2 identity | 2 identity 1 max3"
    ),
    settings={
        "num_layers": 18,
        "filters": 36,
        "num_blocks": 4,
        "operations": "darts",
        "form": "final",
        "join": "all",
    },
    source="quark0/darts, cnn/genotypes.py, DARTS_V2 (read in copies of that file)",
    figures=(
        PublishedFigure(_CUTOUT_ERROR, "2.76 +- 0.09", "quark0/darts, README.md: 10 runs"),
        PublishedFigure(_PARAMETERS, 3.349, "quark0/darts, README.md"),
    ),
)

# === Recurrent cells ===

ENAS_RECURRENT = PublishedArchitecture(
    name="ENAS recurrent",
    space="recurrent",
    text=(
        "tanh | 0 tanh | 1 relu | 2 relu | 2 tanh | 2 tanh | 5 relu | 1 tanh | 6 relu | 8 relu"
        " | 8 relu | 8 relu"
    ),
    settings={
        "num_nodes": 12,
        "units": 748,
        "word_dropout": 0.25,
        "embedding_dropout": 0.0,
        "input_dropout": 0.75,
        "state_dropout": 0.25,
        "output_dropout": 0.75,
    },
    # Its authors have declared that code wrong.
    source=f"{_ENAS} 4bcfd73, scripts/ptb_final.sh",
    figures=(
        PublishedFigure(_PERPLEXITY, 55.8, "abstract of arXiv:1802.03268v2"),
        PublishedFigure(_PERPLEXITY, 56.3, "abstract of the ICML paper"),
        PublishedFigure(_PARAMETERS, 24, "Pham et al. 2018, table 1", recalled=True),
    ),
)

_CORRECTED = {
    "num_nodes": 9,
    "activations": ["tanh", "relu", "sigmoid", "identity"],
    "first_activation": "tanh",
    "output": "all",
}

ENAS_RECURRENT_CORRECTED = PublishedArchitecture(
    name="ENAS recurrent, of the corrected code",
    space="recurrent",
    text="0 sigmoid | 1 tanh | 2 relu | 2 sigmoid | 4 tanh | 5 tanh | 3 sigmoid | 6 sigmoid",
    # As it is trained on a GPU.
    settings={
        **_CORRECTED,
        "units": 800,
        "word_dropout": 0.125,
        "embedding_dropout": 0.175,
        "input_dropout": 0.725,
        "state_dropout": 0.225,
        "output_dropout": 0.75,
    },
    source=f"{_ENAS_LM}/src/fixed.py",
    figures=(
        PublishedFigure(_PERPLEXITY, "57.3 +- 0.1", f"{_ENAS_LM}/README.md: GPU, 10 runs"),
        PublishedFigure(_PERPLEXITY, "56.1 +- 0.1", f"{_ENAS_LM}/README.md: TPU, 10 runs"),
    ),
)

DARTS_RECURRENT = PublishedArchitecture(
    name="DARTS recurrent, second order",
    space="recurrent",
    text="0 sigmoid | 1 relu | 1 relu | 1 identity | 2 tanh | 5 sigmoid | 3 tanh | 5 relu",
    settings={**_CORRECTED, "units": 850},
    source=f"quark0/darts, rnn/genotypes.py, DARTS_V2; {_ENAS_LM}",
    figures=(
        PublishedFigure(_PERPLEXITY, 55.68, "quark0/darts, README.md: the trained model"),
        PublishedFigure(_PERPLEXITY, 58.1, f"{_ENAS_LM}/README.md, as trained there"),
        PublishedFigure(_PARAMETERS, 22.96, "quark0/darts, README.md"),
    ),
)

ALL = (
    ENAS_MACRO,
    ENAS_MACRO_RELEASED,
    ENAS_MICRO,
    NASNET_A,
    AMOEBANET_A,
    PNASNET_5,
    DARTS,
    ENAS_RECURRENT,
    ENAS_RECURRENT_CORRECTED,
    DARTS_RECURRENT,
)
