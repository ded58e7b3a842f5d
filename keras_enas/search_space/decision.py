"""One choice of a search space."""

import dataclasses

KINDS = ("op", "input", "skip")


@dataclasses.dataclass(frozen=True)
class Decision:
    """One choice of a search space.

    Args:
        name: String, unique in its space; the name of the `hp.Choice`.
        kind: `"op"` (one of several layers), `"input"` (one of several
            tensors) or `"skip"` (a bit: whether one tensor is added).
        candidates: Tuple of what may be chosen, the values of the `hp.Choice`:
            labels for an operation, `0 .. n-1` for an input, `(0, 1)` for a
            skip.
        group: String, for a skip the name of the `SkipChoice` whose bit it is.
            Consecutive bits of one group are one skip vector.
    """

    name: str
    kind: str
    candidates: tuple
    group: str = ""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(
                f"`kind` of decision '{self.name}' must be one of {KINDS}. "
                f"Received: kind={self.kind!r}."
            )
        object.__setattr__(self, "candidates", tuple(self.candidates))
        if not self.candidates:
            raise ValueError(
                f"`candidates` of decision '{self.name}' is empty. Offer at least one candidate."
            )
        if len(set(self.candidates)) != len(self.candidates):
            raise ValueError(
                f"`candidates` of decision '{self.name}' repeats itself: {self.candidates}. "
                "Give every candidate a label of its own."
            )
        for label in self.candidates:
            if self.kind == "op" and (
                not isinstance(label, str)
                or not label
                or set(label) & set(" |\t\n")
                or label.isdigit()
            ):
                raise ValueError(
                    f"`candidates` of decision '{self.name}' has the label {label!r}. A label is "
                    "a string without spaces or '|' that is not just digits, so that the text "
                    "form of an architecture can be read back."
                )

    @property
    def scope(self):
        """The name scope that the choice stood in; decisions of one scope are a block."""
        return (self.group or self.name).rpartition("/")[0]

    def index_of(self, value):
        """Returns the index of a candidate; `ValueError` names what there is."""
        try:
            return self.candidates.index(value)
        except ValueError:
            raise ValueError(
                f"'{self.name}' has no candidate {value!r}. It has {list(self.candidates)}."
            ) from None

    def get_config(self):
        config = dataclasses.asdict(self)
        config["candidates"] = list(self.candidates)
        return config
