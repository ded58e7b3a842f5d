"""Costs that are known already, each asked for once and kept in the project folder."""

import json
import os
import time

from keras_enas.tuner.resources.source import checked_cost

# Of a long list, what was measured so far is written as often.
SECONDS = 10.0


class KnownCosts:
    """The costs of architectures, each asked for once.

    Those that are kept stand in a file, a line each. What a reward was computed
    from is there before the reward is learned from: so a search that is resumed
    goes on with the same costs, and earns the same rewards to the last bit.

    Args:
        source: A `Source`.
        space: The `SearchSpace`.
    """

    def __init__(self, source, space):
        self._source = source
        self._space = space
        self._known = {}
        self._path = None

    @property
    def name(self):
        return self._source.name

    def open(self, path):
        """Reads the costs that a file holds, and keeps new ones there.

        Raises:
            ValueError: If they are costs of another kind or of other networks, or no costs.
        """
        if not self._source.kept:
            return
        self._path = path
        if not os.path.exists(path):
            return
        with open(path, "rb") as file:
            content = file.read()
        # The last line may have been cut off when the process was killed: it is not there.
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(path, len(whole))
        try:
            lines = [json.loads(line) for line in whole.splitlines()]
            name = lines[0]["cost of"] if lines else self.name
            children = lines[0].get("children") if lines else None
            known = {self._space.parse(text).indices: cost for text, cost in lines[1:]}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The costs in {path} cannot be read ({type(error).__name__}: {error}). Remove the "
                "file, and they are taken anew, or pass `overwrite=True`."
            ) from error
        if name != self.name:
            raise ValueError(
                f"`cost`: this project was searched with '{name}', not with '{self.name}'. Give "
                "the same, or pass `overwrite=True` or another `project_name`."
            )
        if children is not None and children != self._source.children():
            raise ValueError(
                f"`cost`: {path} has the costs of networks of this space with other layers. Give "
                "the hypermodel that they were taken of, or remove the file, and they are taken "
                "anew: rewards so far were earned with the old ones."
            )
        self._known.update(known)

    def of(self, architectures):
        """Returns the costs of architectures.

        Args:
            architectures: Iterable of indices `(decisions,)`.

        Returns:
            List of numbers.
        """
        keys = [tuple(int(i) for i in indices) for indices in architectures]
        new, began = {}, time.monotonic()
        for key in dict.fromkeys(keys):
            if key in self._known:
                continue
            architecture = self._space.architecture(key)
            cost = self._source.ask(architecture)
            new[key] = checked_cost(cost, f"`cost` of '{architecture}'")
            if time.monotonic() - began > SECONDS:
                self._keep(new)
                new, began = {}, time.monotonic()
        self._keep(new)
        return [self._known[key] for key in keys]

    def _keep(self, new):
        if new and self._path is not None:
            lines = [[str(self._space.architecture(key)), cost] for key, cost in new.items()]
            if not os.path.exists(self._path) or not os.path.getsize(self._path):
                lines.insert(0, {"cost of": self.name, "children": self._source.children()})
            with open(self._path, "ab") as file:
                file.write("".join(json.dumps(line) + "\n" for line in lines).encode())
                file.flush()
                os.fsync(file.fileno())
        self._known.update(new)
