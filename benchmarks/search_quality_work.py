"""The two kinds of work of `search_quality.py`: one search, one child trained alone."""

import os
import time

import keras
from search_quality_files import finite, read

import keras_enas as ke
from keras_enas.cost import count_flops, count_parameters
from keras_enas.hypermodels.children import space_of
from keras_enas.tuner.retrain import random_others


class Clock:
    """CPU seconds spent inside wrapped functions."""

    def __init__(self):
        self.seconds = 0.0

    def wrap(self, function):
        def timed(*args, **kwargs):
            began = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.process_time() - began

        return timed


def search(space, settings, data, seed, folder):
    """Searches once.

    Args:
        space: One of `search_quality_spaces.SPACES`.
        settings: Dict, of the space.
        data: What its `load` returned.
        seed: Integer.
        folder: String; a search that was interrupted there goes on.

    Returns:
        Dict of what was found, with its cost. That of a search that went on counts
        its earlier rounds, but not what its second opinion had trained; the share of
        bookkeeping is of what was done now, None with a second opinion, whose
        trainings are not told from it.
    """
    arguments = space.search_data(settings, data, seed)
    steps = int(arguments["x"].cardinality())
    schedule = keras.optimizers.schedules.CosineDecay(
        settings["learning_rate"], steps * settings["rounds"], alpha=0.01
    )
    second_opinion = {}
    if settings["candidates"]:
        halving = ke.SuccessiveHalving(candidates=settings["candidates"])
        second_opinion["derive_strategy"] = halving
    tuner = ke.ENASTuner(
        space.hypermodel(settings, schedule),
        max_trials=settings["rounds"],
        warmup_rounds=settings["warmup"],
        sampling=settings["sampling"],
        controller_updates=settings["updates"],
        derive_batches=settings["derive_batches"],
        seed=seed,
        directory=folder,
        project_name=f"search-{seed}",
        **second_opinion,
        **space.tuner(settings),
    )
    # An interrupted search goes on here: its earlier rounds have cost what they recorded.
    earlier, unrecorded = earlier_cost(tuner)
    work = Clock()
    began = time.process_time()
    supergraph = work.wrap(lambda: tuner.supergraph)()
    supergraph.fit = work.wrap(supergraph.fit)
    scorer = tuner._shared.scorer
    tuner._shared.scorer = timed = work.wrap(scorer)
    timed.averages = scorer.averages
    tuner.search(**arguments)
    total = time.process_time() - began
    bookkeeping = None if second_opinion else 1.0 - work.seconds / total
    rounds = settings["rounds"]
    scored = rounds * tuner.settings.derive_samples + tuner.final_samples
    learned_from = settings["updates"] * tuner.settings.samples_per_update
    scored += (rounds - settings["warmup"]) * learned_from
    found = tuner.get_best_architectures(settings["top"])
    others = random_others(tuner.space, settings["random"], 12345, [])
    scores = tuner.score(others)
    return {
        "seed": seed,
        "cpu_seconds": earlier + total,
        "rounds_unrecorded": unrecorded,
        "bookkeeping_share": bookkeeping,
        "architectures_trained": steps * rounds,
        "architectures_judged": scored,
        "train_traces": supergraph.train_traces,
        "score_traces": scorer.traces,
        "derived": [
            {"architecture": str(f.architecture), "shared": f.score.objective} for f in found
        ],
        "random": [
            {"architecture": str(a), "shared": finite(s.objective), "reward": finite(s.reward)}
            for a, s in zip(others, scores, strict=True)
        ],
    }


def earlier_cost(tuner):
    """What the rounds that are done have cost, as far as they recorded it.

    A round that failed records nothing. A round that was killed after its weights
    were kept and before its record was written is not run again, and its record
    will say next to nothing.

    Returns:
        Tuple of CPU seconds and the number of rounds whose cost is not known.
    """
    seconds, unrecorded = 0.0, 0
    for trial_id in tuner.oracle.end_order:
        try:
            seconds += read(os.path.join(tuner.get_trial_dir(trial_id), "round.json"))[
                "cpu_seconds"
            ]
        except (FileNotFoundError, KeyError):
            unrecorded += 1
    kept = os.path.join(tuner.project_dir, "shared")
    names = os.listdir(kept) if os.path.isdir(kept) else []
    generations = [int(n.rpartition("-")[2]) for n in names if n.startswith("generation-")]
    return seconds, unrecorded + int(max(generations, default=0) > len(tuner.oracle.end_order))


def train_child(space, settings, data, text):
    """Trains one architecture from scratch; returns its figures."""
    keras.utils.set_random_seed(settings["training_seed"])
    hypermodel = space.hypermodel(settings, settings["child_learning_rate"])
    architecture = space_of(hypermodel).parse(text)
    began = time.process_time()
    model = hypermodel.build(architecture.to_hyperparameters())
    model = space.train(settings, model, data)
    seconds = time.process_time() - began
    _, validation, test = data
    return {
        "architecture": text,
        "validation": finite(space.evaluate(settings, model, validation)[space.figure]),
        "test": finite(space.evaluate(settings, model, test)[space.figure]),
        "parameters": count_parameters(model),
        "flops": count_flops(model),
        "cpu_seconds": seconds,
    }
