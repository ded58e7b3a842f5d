"""The shared weights of a project: the supergraph, its scorer, its state on disk."""

from keras_enas.supergraph import Supergraph
from keras_enas.tuner import state
from keras_enas.tuner.generations import Generations


class SharedWeights:
    """Builds the supergraph when it is first needed, and keeps its generations.

    A generation has the number of rounds that it has behind it: generation 0 is
    what the first round began with.

    Args:
        make: Callable that returns a new `Supergraph`.
        scorer_of: Callable that returns the `Scorer` of it.
        oracle: The `SearchOracle`, whose state is part of a generation.
        folder: String, of the generations.
    """

    def __init__(self, make, scorer_of, oracle, folder):
        self._make = make
        self._scorer_of = scorer_of
        self._oracle = oracle
        self._folder = folder
        self._generations = Generations(folder)
        self._supergraph = None
        self._loaded = None
        self.scorer = None

    @property
    def supergraph(self):
        """The `Supergraph` with the weights of the newest round."""
        if self._supergraph is None:
            self._supergraph = self._make()
            self.scorer = self._scorer_of(self._supergraph)
            self._loaded = 0
            try:
                ended = len(self._oracle.end_order)
                if ended:
                    self._require(ended)
                    self.load(ended)
            except BaseException:
                # Nobody may go on with fresh weights where others were expected.
                self._supergraph = None
                raise
        return self._supergraph

    def _require(self, ended):
        """Raises `ValueError` if nothing is left of what the rounds did."""
        if not any(number <= ended for number in self._generations.numbers()):
            raise ValueError(
                f"{ended} rounds have ended, but their shared weights are missing: there is no "
                f"generation of them in {self._folder}. Put this folder back as the search left "
                "it, or pass `overwrite=True` or another `project_name` to begin anew."
            )

    def load(self, at_most):
        """Puts back the newest generation up to `at_most`.

        Returns:
            The record of that generation if its number is `at_most`, else None.
        """
        present = [number for number in self._generations.numbers() if number <= at_most]
        if not present or (present[-1] == self._loaded and self._loaded != at_most):
            return None
        number, arrays, record = self._generations.newest(at_most)
        if arrays is None:
            raise ValueError(
                f"Every generation in {self._folder} is damaged. Pass `overwrite=True` or "
                "another `project_name` to begin anew."
            )
        if number != self._loaded:
            state.set_arrays(self.supergraph, arrays["weights"])
            self._oracle.set_arrays(arrays["oracle"])
            self._loaded = number
        return record if number == at_most else None

    def restore(self, number):
        """Undoes what round `number` has done so far."""
        self._loaded = None
        self.load(number)

    def commit(self, number, record):
        """Writes a generation with the record of its round."""
        arrays = {"weights": state.get_arrays(self.supergraph), "oracle": self._oracle.get_arrays()}
        self._generations.commit(number, arrays, record)
        self._loaded = number

    def begin(self):
        """Writes generation 0, unless there are generations."""
        if not self._generations.numbers():
            self.commit(0, {"score": None})


def make_supergraph(
    hypermodel, hyperparameters, space, seed, override_compile, architectures_per_step=1
):
    """Builds the supergraph of a hypermodel, its initial weights drawn by the seed.

    Args:
        hypermodel: A `keras_tuner.HyperModel`.
        hyperparameters: List of `keras_tuner` hyperparameters that are no
            decisions: those the user has given are found by `build(hp)`.
        space: The `SearchSpace` that `build(hp)` had for a child.
        seed: Integer.
        override_compile: As in `Supergraph`.
        architectures_per_step: As in `Supergraph`.

    Raises:
        ValueError: If `build(hp)` makes other choices than it did.
    """
    with state.seeded(seed):
        supergraph = Supergraph(
            _WithHyperparameters(hypermodel, hyperparameters),
            seed=seed,
            override_compile=override_compile,
            architectures_per_step=architectures_per_step,
        )
    if supergraph.space != space:
        raise ValueError(
            "`build(hp)` makes other choices for the supergraph than for a child: "
            f"{space.difference(supergraph.space)}."
        )
    return supergraph


class _WithHyperparameters:
    """A hypermodel that finds hyperparameters registered before: those the user has given."""

    def __init__(self, hypermodel, hyperparameters):
        self._hypermodel = hypermodel
        self._hyperparameters = hyperparameters

    def build(self, hp):
        hp.merge(self._hyperparameters)
        return self._hypermodel.build(hp)
