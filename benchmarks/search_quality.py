"""Does the search beat random architectures of its own space?

Searches with several seeds at a size that two CPU cores can bear, then trains the
derived architectures and random ones from scratch under one recipe, and prints what
came of it: test accuracy or perplexity, relative improvement over random with its
interval, Kendall tau between shared-weight and trained scores, CPU seconds.

    python benchmarks/search_quality.py --data ../shared/data --output runs/macro
    python benchmarks/search_quality.py --space micro --data ../shared/data --output runs/micro
    python benchmarks/search_quality.py --space recurrent --data ../shared/data --output runs/ptb

macro and micro are CIFAR-10, recurrent is the words of Penn Treebank (or of any folder
with three texts, see `keras_enas.text.read_corpus`). `--quick` says whether it runs, in
under a minute; its figures mean nothing.

Everything is kept in `--output`; a run that was interrupted goes on. On two cores two
processes with one thread each do more than one with two: start the command twice, and
they share the searches and the trainings through the files. `--part search --seeds 2`
does one search only.
"""

import argparse
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from nasbench201_settings import REWARDS
from search_quality_files import made_together, same_settings, write
from search_quality_report import figures_of, show
from search_quality_sizes import DEFAULTS, QUICK
from search_quality_spaces import SPACES
from search_quality_work import search, train_child

HELP = {
    "reward": "by what architectures of images are ranked; nothing: the objective",
    "candidates": "of a second opinion; 0: none",
    "sampling": "of the architectures that the shared weights are trained as",
    "updates": "controller updates a round",
    "derive_batches": "validation batches on which a round derives",
    "shift": "pixels; 0: no augmentation",
    "batch": "rows of a batch",
    "steps": "of back-propagation",
    "train": "images or tokens, as are validation and test",
    "epochs": "of each child trained alone",
    "top": "derived ones trained of each search",
}


def known_settings():
    """Dict from the names of the settings of all spaces to their types."""
    return {name: type(value) for one in DEFAULTS.values() for name, value in one.items()}


def settings_of(parser, args):
    """The settings of the space, with what was given on the command line."""
    settings = {**DEFAULTS[args.space], **(QUICK[args.space] if args.quick else {})}
    for name in known_settings():
        given = getattr(args, name)
        if given is None:
            continue
        if name not in settings:
            parser.error(f"--{name.replace('_', '-')} is no setting of --space {args.space}")
        settings[name] = given
    # After hours of searching there would be nothing to compare.
    for name in ("top", "random"):
        if settings[name] < 1:
            parser.error(f"--{name} must be at least 1. Received: {settings[name]}")
    return settings


def child_path(folder, text):
    """Where the figures of an architecture that was trained alone are kept."""
    name = text.replace(" | ", "-").replace(" ", "_")
    return os.path.join(folder, f"child-{name}.json")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", choices=list(SPACES), default="macro")
    parser.add_argument("--data", required=True, help="folder with real_data.py, or with texts")
    parser.add_argument("--output", required=True, help="folder of this run")
    parser.add_argument("--quick", action="store_true", help="does it run? in under a minute")
    parser.add_argument("--seeds", type=int, nargs="+", help="default: 0 1 2, quick: 0")
    for name, kind in known_settings().items():
        flag, choices = f"--{name.replace('_', '-')}", REWARDS if name == "reward" else None
        parser.add_argument(flag, type=kind, help=HELP.get(name), choices=choices)
    parser.add_argument("--threads", type=int, default=1, help="of TensorFlow")
    parser.add_argument(
        "--part",
        choices=("all", "search", "train"),
        default="all",
        help="stop after the searches; or go through the trainings from the other end",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    settings = settings_of(parser, args)
    args.seeds = args.seeds or ([0] if args.quick else [0, 1, 2])
    space = SPACES[args.space]
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    os.makedirs(args.output, exist_ok=True)
    of_run = {"space": args.space, **settings}
    same_settings(os.path.join(args.output, "settings.json"), of_run)
    data = space.load(settings, args.data)

    searches = made_together(
        {
            os.path.join(args.output, f"search-{seed}.json"): lambda seed=seed: search(
                space, settings, data, seed, args.output
            )
            for seed in args.seeds
        }
    )
    if args.part == "search":
        return
    searches = list(searches.values())
    texts = [r["architecture"] for r in searches[0]["random"]]
    texts += [d["architecture"] for s in searches for d in s["derived"]]
    texts = list(dict.fromkeys(texts))[:: -1 if args.part == "train" else 1]

    def trained_alone(text):
        child = train_child(space, settings, data, text)
        print(f"{space.figure} {child['test']}  {text}", file=sys.stderr, flush=True)
        return child

    made = made_together(
        {child_path(args.output, text): lambda text=text: trained_alone(text) for text in texts}
    )
    trained = dict(zip(texts, made.values(), strict=True))
    figures = {
        **figures_of(searches, trained, space.better),
        "settings": {**of_run, "seeds": args.seeds, "threads": args.threads},
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    }
    write(os.path.join(args.output, "figures.json"), figures)
    if args.json:
        print(json.dumps(figures))
    else:
        show(figures, space.title, space.figure)


if __name__ == "__main__":
    main()
