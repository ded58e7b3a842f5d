"""All decisions made."""

import json

import numpy as np


class Architecture:
    """All decisions made: immutable, hashable, printable, readable back.

    Args:
        space: The `SearchSpace` that it belongs to.
        indices: Iterable of integers `(decisions,)`, the index of the chosen
            candidate of every decision.

    Raises:
        ValueError: If the indices do not fit the space.
    """

    __slots__ = ("indices", "space")

    def __init__(self, space, indices):
        checked = space.check(np.asarray(list(indices), dtype=None if len(space) else np.int32))
        object.__setattr__(self, "space", space)
        object.__setattr__(self, "indices", tuple(int(index) for index in checked))

    def __setattr__(self, name, value):
        raise AttributeError("An Architecture is immutable.")

    def __delattr__(self, name):
        raise AttributeError("An Architecture is immutable.")

    def __reduce__(self):
        return Architecture, (self.space, self.indices)

    def __eq__(self, other):
        return (
            isinstance(other, Architecture)
            and self.indices == other.indices
            and self.space == other.space
        )

    def __hash__(self):
        return hash(self.indices)

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, name):
        """Returns the chosen candidate of the decision called `name`."""
        return self.values[name]

    @property
    def values(self):
        """Dict from decision name to chosen candidate, as `HyperParameters.values`."""
        return {
            decision.name: decision.candidates[index]
            for decision, index in zip(self.space, self.indices, strict=True)
        }

    def __str__(self):
        blocks = []
        for block in self.space.blocks:
            tokens = []
            for start, stop in block:
                decision = self.space.decisions[start]
                if decision.kind == "skip":
                    tokens.append("".join(str(bit) for bit in self.indices[start:stop]))
                else:
                    tokens.append(str(decision.candidates[self.indices[start]]))
            blocks.append(" ".join(tokens))
        return " | ".join(blocks)

    def __repr__(self):
        return f"<Architecture {self}>"

    def to_json(self):
        """Returns a JSON string that holds the architecture and its space."""
        return json.dumps(
            {
                "architecture": str(self),
                "values": self.values,
                "space": self.space.get_config(),
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text):
        """Reads what `to_json` wrote; `ValueError` if it is not that."""
        data = json.loads(text)
        if not isinstance(data, dict) or not {"values", "space"} <= set(data):
            raise ValueError("The JSON given is not that of an architecture.")
        # Here, since a space makes architectures.
        from keras_enas.search_space.space import SearchSpace

        return SearchSpace.from_config(data["space"]).from_values(data["values"])

    def to_hyperparameters(self, hyperparameters=None):
        """Returns KerasTuner's form, for `hypermodel.build(hp)`.

        Args:
            hyperparameters: Optional `keras_tuner.HyperParameters`, whose copy
                keeps its other entries. Without it a new one is made.

        Returns:
            A `keras_tuner.HyperParameters` with one `Choice` a decision.
        """
        if hyperparameters is None:
            import keras_tuner

            hp = keras_tuner.HyperParameters()
        else:
            hp = hyperparameters.copy()
        for decision in self.space:
            hp.Choice(decision.name, list(decision.candidates), ordered=False)
        hp.values.update(self.values)
        return hp

    @classmethod
    def from_hyperparameters(cls, space, hyperparameters):
        """Reads the decisions of `space` from a `keras_tuner.HyperParameters`."""
        return space.from_values(hyperparameters.values)
