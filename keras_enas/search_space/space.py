"""The ordered decisions of a hypermodel."""

import functools
import math

import numpy as np

from keras_enas.search_space.architecture import Architecture
from keras_enas.search_space.decision import KINDS, Decision


class SearchSpace:
    """The ordered decisions of a hypermodel.

    Args:
        decisions: Iterable of `Decision`, in the order in which `build(hp)`
            makes them.

    Raises:
        ValueError: If two decisions have one name.
    """

    def __init__(self, decisions):
        self.decisions = tuple(decisions)
        names = [decision.name for decision in self.decisions]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"Two decisions are named '{name}'. Names must be unique.")

    def __len__(self):
        return len(self.decisions)

    def __iter__(self):
        return iter(self.decisions)

    def __eq__(self, other):
        return isinstance(other, SearchSpace) and self.decisions == other.decisions

    def __hash__(self):
        return hash(self.decisions)

    def __repr__(self):
        kinds = ", ".join(f"{sum(d.kind == k for d in self)} {k}" for k in KINDS)
        return f"<SearchSpace of {len(self)} decisions ({kinds}), {self.size:.3g} architectures>"

    @functools.cached_property
    def num_candidates(self):
        """Read-only int32 array `(decisions,)`: how many candidates each has."""
        counts = np.array([len(d.candidates) for d in self], dtype=np.int32)
        counts.setflags(write=False)
        return counts

    @property
    def size(self):
        """How many architectures there are, as an exact integer."""
        return math.prod(len(d.candidates) for d in self)

    @functools.cached_property
    def steps(self):
        """Decisions grouped as a policy takes them.

        Returns:
            Tuple of `(start, stop)`: an operation or an input alone, or the
            consecutive bits of one skip vector together.
        """
        steps, start = [], 0
        for stop in range(1, len(self) + 1):
            last = self.decisions[stop - 1]
            if stop < len(self) and last.kind == "skip":
                following = self.decisions[stop]
                if following.kind == "skip" and following.group == last.group:
                    continue
            steps.append((start, stop))
            start = stop
        return tuple(steps)

    @functools.cached_property
    def blocks(self):
        """Steps grouped by name scope: the layers or nodes of the network.

        Returns:
            Tuple of tuples of `(start, stop)`. Consecutive steps whose choices
            stood in one name scope form a block; a choice outside any scope is
            a block of its own.
        """
        blocks = []
        previous = None
        for step in self.steps:
            scope = self.decisions[step[0]].scope
            if blocks and scope and scope == previous:
                blocks[-1].append(step)
            else:
                blocks.append([step])
            previous = scope
        return tuple(tuple(block) for block in blocks)

    def check(self, architectures):
        """Checks architectures given as numbers.

        Args:
            architectures: Integer array-like `(n, decisions)` or `(decisions,)`.

        Returns:
            int32 array of the same shape.

        Raises:
            ValueError: If the length differs from the space's, an entry is not
                an integer, or an index is out of range; it names the decision.
        """
        given = np.asarray(architectures)
        if given.ndim not in (1, 2) or given.shape[-1] != len(self):
            raise ValueError(
                f"An architecture of this space has {len(self)} decisions. "
                f"Received an array of shape {given.shape}."
            )
        if given.dtype.kind not in "iub":
            raise ValueError(
                f"An architecture consists of integer indices. Received dtype {given.dtype}."
            )
        wrong = (given < 0) | (given >= self.num_candidates)
        if wrong.any():
            where = tuple(np.argwhere(wrong)[0])
            decision = self.decisions[where[-1]]
            raise ValueError(
                f"Index {given[where]} is out of range for decision '{decision.name}', which has "
                f"{len(decision.candidates)} candidates: {list(decision.candidates)}."
            )
        return given.astype(np.int32)

    def random(self, n, rng):
        """Draws architectures uniformly.

        Args:
            n: Integer, how many.
            rng: `numpy.random.Generator`.

        Returns:
            int32 array `(n, decisions)`.
        """
        return rng.integers(0, self.num_candidates, size=(n, len(self)), dtype=np.int32)

    def architecture(self, indices):
        """Returns the `Architecture` with these candidate indices."""
        return Architecture(self, indices)

    def parse(self, text):
        """Reads the text form of an architecture of this space.

        Args:
            text: String as `str(architecture)` prints it. An operation may
                also stand as its index. `|` and white space only separate.

        Returns:
            An `Architecture`.

        Raises:
            ValueError: If the text is of another space; it names the decision.
        """
        if not isinstance(text, str):
            raise ValueError(
                f"`text` must be a string as `str(architecture)` prints it. Received: {text!r}."
            )
        tokens = text.replace("|", " ").split()
        indices = []
        for start, stop in self.steps:
            decision = self.decisions[start]
            if not tokens:
                raise ValueError(
                    f"The architecture {text!r} ends before decision '{decision.name}'. "
                    f"This space has {len(self)} decisions."
                )
            if decision.kind == "skip":
                bits = ""
                while tokens and len(bits) < stop - start:
                    bits += tokens.pop(0)
                if len(bits) != stop - start or set(bits) - set("01"):
                    raise ValueError(
                        f"Skip vector '{decision.group}' takes {stop - start} bits. "
                        f"Received {bits!r} in {text!r}."
                    )
                indices.extend(int(bit) for bit in bits)
                continue
            token = tokens.pop(0)
            if token in decision.candidates:
                indices.append(decision.candidates.index(token))
            elif token.isdigit() and int(token) < len(decision.candidates):
                indices.append(int(token))
            else:
                raise ValueError(
                    f"Decision '{decision.name}' has no candidate {token!r} (in {text!r}). "
                    f"It has {list(decision.candidates)}."
                )
        if tokens:
            raise ValueError(
                f"The architecture {text!r} has more than the {len(self)} decisions of this space: "
                f"{' '.join(tokens)!r} is left over."
            )
        return Architecture(self, indices)

    def from_values(self, values):
        """Reads an architecture from `{decision name: candidate}`.

        Args:
            values: Mapping such as `HyperParameters.values`, or a
                `HyperParameters`; other entries are ignored.

        Returns:
            An `Architecture`.

        Raises:
            ValueError: If a decision is missing or has no such candidate.
        """
        values = getattr(values, "values", values) if not isinstance(values, dict) else values
        missing = [d.name for d in self if d.name not in values]
        if missing:
            raise ValueError(f"No value for the decisions {missing} of this space.")
        return Architecture(self, [d.index_of(values[d.name]) for d in self])

    def difference(self, other):
        """Says in one sentence where another space differs; empty if it does not."""
        mine = {d.name: d for d in self}
        theirs = {d.name: d for d in other}
        only_mine = [name for name in mine if name not in theirs]
        only_theirs = [name for name in theirs if name not in mine]
        parts = []
        if only_mine:
            parts.append(f"decisions only in the first: {only_mine}")
        if only_theirs:
            parts.append(f"decisions only in the second: {only_theirs}")
        for name in mine:
            if name in theirs and mine[name] != theirs[name]:
                parts.append(
                    f"'{name}' is {mine[name].kind} of {list(mine[name].candidates)} in the first "
                    f"and {theirs[name].kind} of {list(theirs[name].candidates)} in the second"
                )
        if not parts and self != other:
            parts.append("the decisions stand in another order")
        return "; ".join(parts)

    def get_config(self):
        return {"decisions": [decision.get_config() for decision in self]}

    @classmethod
    def from_config(cls, config):
        return cls(Decision(**decision) for decision in config["decisions"])
