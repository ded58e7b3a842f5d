"""ENAS's search for a recurrent cell, as a language model that writes in the end.

    python examples/language_model.py --small            # under 5 minutes on 2 cores
    python examples/language_model.py                    # the paper's settings: needs a GPU
    python examples/language_model.py --data FOLDER      # another corpus, such as Penn Treebank
    python examples/language_model.py --published ENAS_RECURRENT      # no search: a known cell

The text is Python's own: the help topics in `pydoc_data.topics`, words and punctuation apart, in
lower case (about 120,000 tokens). --data takes a folder with a training, a validation and a test
text, `*train*.txt`, `*valid*.txt` and `*test*.txt`, which may be packed (.gz, .xz), prepared as
Penn Treebank usually is: tokens apart from each other by spaces, a sentence a line; or a folder
that has such a one named `ptb`.

The defaults are those of Pham et al. 2018 for Penn Treebank where the paper states them: 12 nodes,
64 streams, 35 steps, 150 rounds of one epoch, learning rate 20 falling from epoch 15, the
published controller, reward 80 / perplexity; children are trained by the recipe `recurrent`, as is
a published cell, of the size it was published with (docs/reproducing-the-paper.md). **They need a
GPU and were not run by us**; what was run is `--small`.

The shared weights and the children are trained on the training text, architectures are chosen by
the validation text, the test text is looked at once, at the end.
"""

import argparse
import os
import pathlib
import re
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "--small" in sys.argv:
    # Networks this small gain nothing from several threads an operation.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

import keras_enas

PAPER = {
    "vocabulary": 10_000,
    "streams": 64,
    "steps": 35,
    "rounds": 150,
    # Those of the recipe.
    "epochs": None,
    "recipe": "recurrent",
    "children": 3,
    "learning_rate": 20.0,
    # Units searched and trained as in the released code.
    "model": {"num_nodes": 12, "units": 720, "child_units": 748},
    # In place of settings of a published cell.
    "published": {},
    "search": {"profile": "paper_recurrent", "controller_updates": 100, "samples_per_update": 20},
}
SMALL_NETWORK = {
    "units": 96,
    "word_dropout": 0.0,
    "embedding_dropout": 0.1,
    "input_dropout": 0.1,
    "state_dropout": 0.1,
    "output_dropout": 0.2,
}
SMALL = {
    "vocabulary": 1000,
    "streams": 20,
    "steps": 20,
    "rounds": 8,
    "epochs": 4,
    "recipe": "recurrent_small",
    "children": 2,
    # Of the shared weights: those of a small net on a small text do not bear the paper's 20.
    "learning_rate": 5.0,
    "model": {"num_nodes": 8, **SMALL_NETWORK},
    "published": SMALL_NETWORK,
    "search": {
        "controller_updates": 8,
        "samples_per_update": 8,
        "warmup_rounds": 2,
        "derive_batches": 3,
        "final_samples": 20,
    },
}
PUBLISHED = ["ENAS_RECURRENT", "ENAS_RECURRENT_CORRECTED", "DARTS_RECURRENT"]
# Architectures are scored from the zero state, batch by batch: longer rows than those of training
# leave the start less weight.
SCORED_STEPS = 70


def python_topics():
    """Returns training, validation and test text of Python's help topics."""
    from pydoc_data import topics

    lines = []
    for name in sorted(topics.topics):
        for line in topics.topics[name].splitlines():
            words = re.findall(r"\w+|[^\w\s]", line.lower())
            if words:
                lines.append(" ".join(words))
    # Blocks of lines, so that every part has something of all topics.
    parts = [[], [], []]
    for number, line in enumerate(lines):
        parts[{4: 1, 9: 2}.get(number // 40 % 10, 0)].append(line)
    return tuple("\n".join(part) for part in parts)


def unigram_perplexity(training, text, size):
    """What a model would score that knows only how often each token comes."""
    share = (np.bincount(training, minlength=size) + 1) / (len(training) + size)
    return float(np.exp(-np.log(share[text]).mean()))


def generate(folder, vocabulary, prompt, length, seed, temperature=0.8):
    """Writes on from a prompt with the exported model: TensorFlow alone, state in and out."""
    loaded = tf.saved_model.load(folder)
    rng = np.random.default_rng(seed)
    numbers = [int(n) for n in vocabulary.encode(prompt.split())]
    states = loaded.initial_states(1)
    tokens = numbers
    for _ in range(length):
        # Only what is new goes in: the state knows the rest.
        logits, *states = loaded.serve(np.array([tokens], np.int32), *states)
        scores = np.array(logits[0, -1], np.float64) / temperature
        if "<unk>" in vocabulary:
            scores[vocabulary.encode(["<unk>"])[0]] = -np.inf
        chances = np.exp(scores - scores.max())
        tokens = [int(rng.choice(len(chances), p=chances / chances.sum()))]
        numbers += tokens
    return vocabulary.decode(numbers)


def search(settings, vocabulary, texts, folder, arguments):
    """Searches a cell, and trains the best ones beside random ones.

    Args:
        settings: Dict, `PAPER` or `SMALL`.
        vocabulary: `keras_enas.text.Vocabulary`.
        texts: Three integer arrays: training, validation and test text.
        folder: String, for all files.
        arguments: Those of the command line.

    Returns:
        String, the folder that has the best child as `best_model`.
    """
    training, validation, test = texts
    batches = keras_enas.text.stream_batches
    streams, rate = settings["streams"], settings["learning_rate"]
    train_batches = batches(training, streams, settings["steps"])
    tuner = keras_enas.ENASTuner(
        keras_enas.HyperRecurrentLM(len(vocabulary), learning_rate=rate, **settings["model"]),
        objective=keras_tuner.Objective("val_perplexity", "min"),
        reward=keras_enas.perplexity_reward(),
        max_trials=settings["rounds"],
        seed=arguments.seed,
        directory=folder,
        project_name=f"seed-{arguments.seed}",
        **settings["search"],
    )
    print(f"Searching {tuner.space}. The first round takes longest: it builds the supergraph.")
    falling = keras.callbacks.LearningRateScheduler(
        lambda epoch, _: rate * 0.96 ** max(0, epoch - 14)
    )
    scored_batches = batches(validation, streams, SCORED_STEPS)
    tuner.search(train_batches, validation_data=scored_batches, callbacks=[falling])
    retrained = tuner.retrain(
        train_batches,
        validation_data=evaluated(validation, streams),
        test_data=evaluated(test, streams),
        recipe=recipe_of(settings),
        top=settings["children"],
        random_baseline=settings["children"],
    )
    drawing = os.path.join(tuner.project_dir, "best_architecture.png")
    keras_enas.plot_architecture(retrained.architecture, drawing)
    print(f"Best cell: {retrained.architecture}")
    print(f"Drawing: {drawing}")
    return tuner.project_dir


def train_published(settings, vocabulary, texts, folder, arguments):
    """Trains a published cell from scratch by the recipe; arguments and result as of `search`."""
    architecture = getattr(keras_enas.published, arguments.published)
    print(f"{architecture.name}, from {architecture.source}")
    for figure in architecture.figures:
        remark = " (from memory)" if figure.recalled else ""
        print(f"  published: {figure.quantity}: {figure.value} [{figure.source}]{remark}")
    recipe = recipe_of(settings)
    print(recipe)
    keras.utils.set_random_seed(arguments.seed)
    network = {**architecture.settings, **settings["published"]}
    hypermodel = keras_enas.HyperRecurrentLM(len(vocabulary), **network).for_children(recipe)
    model = hypermodel.build_architecture(architecture)
    print(f"Trainable parameters: {sum(np.prod(w.shape) for w in model.trainable_weights):,}")
    training, validation, test = texts
    streams = settings["streams"]
    batches = keras_enas.text.stream_batches(training, streams, settings["steps"])
    recipe.fit(model, batches, validation_data=evaluated(validation, streams), verbose=2)
    model = recipe.finish(model)
    scores = model.evaluate(evaluated(test, streams), verbose=0, return_dict=True)
    print(f"Test perplexity: {scores['perplexity']:.2f}, after the last epoch")
    folder = os.path.join(folder, f"{arguments.published.lower()}-{arguments.seed}")
    model.export(os.path.join(folder, "best_model"), verbose=False)
    return folder


def recipe_of(settings):
    """Returns the recipe of the settings, with their numbers of epochs and streams."""
    recipe = getattr(keras_enas.training, settings["recipe"])
    changes = {"epochs": settings["epochs"], "batch_size": settings["streams"]}
    return recipe.replace(
        **{k: v for k, v in changes.items() if v not in (None, getattr(recipe, k))}
    )


def evaluated(text, streams):
    """Batches in which every token counts."""
    return keras_enas.text.stream_batches(text, streams, SCORED_STEPS, drop_remainder=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="8 nodes, 96 units, for a CPU")
    parser.add_argument("--data", help="folder with three texts, in place of Python's help topics")
    parser.add_argument("--published", choices=PUBLISHED, help="train this cell, do not search")
    parser.add_argument("--rounds", type=int, help="in place of the setting's")
    parser.add_argument("--epochs", type=int, help="of training from scratch, likewise")
    parser.add_argument("--children", type=int, help="trained of each kind at the end, likewise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="runs/language_model", help="folder for all files")
    arguments = parser.parse_args()
    began = time.monotonic()
    settings = dict(SMALL if arguments.small else PAPER)
    for name in ("rounds", "epochs", "children"):
        if getattr(arguments, name) is not None:
            settings[name] = getattr(arguments, name)

    if arguments.data is None:
        name, corpus = "topics", python_topics()
    else:
        folder = pathlib.Path(arguments.data)
        folder = folder / "ptb" if (folder / "ptb").is_dir() else folder
        name, corpus = folder.resolve().name, keras_enas.text.read_corpus(folder)
    vocabulary = keras_enas.text.Vocabulary.of(corpus[0], size=settings["vocabulary"])
    texts = [vocabulary.encode(text) for text in corpus]
    print(
        f"{len(texts[0])} + {len(texts[1])} + {len(texts[2])} tokens, {len(vocabulary)} "
        "different. Knowing only how often each comes gives a perplexity of "
        f"{unigram_perplexity(texts[0], texts[2], len(vocabulary)):.0f}."
    )
    run = train_published if arguments.published else search
    folder = os.path.join(arguments.output, f"{'small' if arguments.small else 'paper'}-{name}")
    folder = run(settings, vocabulary, texts, folder, arguments)

    saved = os.path.join(folder, "best_model")
    words = pathlib.Path(folder, "vocabulary.json")
    words.write_text(vocabulary.to_json(), encoding="utf-8")
    print(f"SavedModel: {saved}")
    print(f"Its words: {words}")
    prompt = "the" if "the" in vocabulary else vocabulary.tokens[0]
    print("It writes:")
    print(generate(saved, vocabulary, prompt, 60, arguments.seed))
    print(f"Done in {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
