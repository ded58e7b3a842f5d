"""The same network without what goes nowhere in it."""


def simplest_of(hypermodel, space):
    """Returns what takes operations that go nowhere out of an architecture.

    Where one can choose that nothing is handed on, other choices may come to nothing, too, and
    many architectures are one network. Their scores are equal, and counts of parameters, which
    count what goes nowhere, are not: without this the best of a search may be one network many
    times, and a second opinion trains it many times.

    Args:
        hypermodel: A hypermodel. If it has a method `simplest`, from an `Architecture` to that of
            the same network without them, that is asked.
        space: Callable without arguments that returns the `SearchSpace`.

    Returns:
        Callable from indices `(decisions,)` to a tuple of integers.
    """
    simplest = getattr(hypermodel, "simplest", None)

    def of(indices):
        indices = tuple(int(i) for i in indices)
        return indices if simplest is None else simplest(space().architecture(indices)).indices

    return of
