"""The same network without what goes nowhere in it."""

from keras_enas.search_space import Architecture


def simplest_of(hypermodel, space):
    """Returns what takes operations that go nowhere out of an architecture.

    Where one can choose that nothing is handed on, other choices may come to nothing, too, and
    many architectures are one network. Their scores are equal, and counts of parameters, which
    count what goes nowhere, are not: without this the best of a search may be one network many
    times, and a second opinion trains it many times.

    Args:
        hypermodel: A hypermodel. If it has a method `simplest`, from an `Architecture` to that of
            the same network without them, that is asked.
        space: The `SearchSpace`.

    Returns:
        Callable from indices `(decisions,)` to a tuple of integers.

    Raises:
        ValueError: If the method returns anything else.
    """
    simplest = getattr(hypermodel, "simplest", None)

    def of(indices):
        indices = tuple(int(i) for i in indices)
        if simplest is None:
            return indices
        found = simplest(space.architecture(indices))
        if not isinstance(found, Architecture) or found.space != space:
            raise ValueError(
                "`simplest` of the hypermodel must return an `Architecture` of its space. "
                f"Received: {found!r}."
            )
        return found.indices

    # What is wrong with it comes out before anything is searched.
    of([0] * len(space))
    return of
