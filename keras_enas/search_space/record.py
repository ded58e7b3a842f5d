"""How the choices of a hypermodel leave the space behind on `hp`."""

from keras_enas.search_space.space import SearchSpace


def record(hp, decision):
    """Notes on a `HyperParameters` that `build(hp)` made this decision.

    KerasTuner copies a `HyperParameters` through JSON, which drops the note:
    it lives as long as the object that went through `build`.

    Args:
        hp: The `HyperParameters` that went through `build`.
        decision: A `Decision`; one that was noted before is not noted again.

    Raises:
        ValueError: If another decision has that name already.
    """
    noted = hp.__dict__.setdefault("enas_decisions", {})
    known = noted.setdefault(decision.name, decision)
    if known != decision:
        raise ValueError(
            f"Two choices are named '{decision.name}' but differ: first {known.kind} of "
            f"{list(known.candidates)}, now {decision.kind} of {list(decision.candidates)}. "
            "Rename one, or give both the same candidates."
        )


def recorded_space(hp):
    """Returns the `SearchSpace` noted on a `HyperParameters` by `record`; it may be empty."""
    return SearchSpace(getattr(hp, "enas_decisions", {}).values())


def unchosen(chosen, n):
    """Returns which of `0 .. n-1` are not among the chosen indices: the loose ends of a cell."""
    return [i for i in range(n) if i not in set(chosen)]
