"""From a search space to the steps that a policy takes through it."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of the policy: an operation, an input, or a whole skip vector.

    Args:
        kind: `"op"`, `"input"` or `"skip"`.
        start: Integer, its first decision.
        stop: Integer, one past its last decision.
        width: Integer, the number of candidates of each of its decisions.
        table: Integer, for an operation which candidate list it has; -1.
        anchors: Tuple of integers, what an input or a skip vector attends to:
            one anchor a candidate or bit.
        previous: Integer, the decision before it that is an operation or an
            input; -1 if there is none or the step is a skip vector.
        closes: Boolean, whether a block of the network ends with it.
    """

    kind: str
    start: int
    stop: int
    width: int
    table: int
    anchors: tuple
    previous: int
    closes: bool

    @property
    def size(self):
        """The number of its decisions."""
        return self.stop - self.start


class Group:
    """Steps whose logits are computed together, because they have one shape.

    Attributes:
        kind: As in `Step`.
        width: As in `Step`.
        table: As in `Step`.
        previous_width: Integer, candidates of the decisions before; 0 for none.
        steps: List of indices of steps.
        rows: List of slices: the decisions of each step among the group's.
        decisions: Integer array, the space's decisions in the group's order.
        previous: Integer array, the decision before each; empty for none.
        queries: Float array `(pairs, steps)` of zeros and ones: which step asks.
        keys: Float array `(pairs, anchors)`: which anchor it asks for.
    """

    def __init__(self, plan, indices):
        steps = [plan.steps[i] for i in indices]
        first = steps[0]
        self.kind, self.width, self.table = first.kind, first.width, first.table
        self.steps = indices
        self.decisions = np.concatenate([np.arange(step.start, step.stop) for step in steps])
        ends = np.cumsum([step.size for step in steps])
        self.rows = [
            slice(int(end) - step.size, int(end)) for end, step in zip(ends, steps, strict=True)
        ]
        self.previous_width = _previous_width(plan, first)
        self.previous = np.array([step.previous for step in steps if step.previous >= 0], int)
        pairs = [(i, anchor) for i, step in enumerate(steps) for anchor in step.anchors]
        if pairs:
            self.queries = np.eye(len(steps), dtype=np.float32)[[i for i, _ in pairs]]
            self.keys = np.eye(plan.num_anchors, dtype=np.float32)[[a for _, a in pairs]]

    def __len__(self):
        return len(self.decisions)


class Plan:
    """The steps of a space, its candidate lists and its anchors.

    An anchor is the hidden state at the end of a block; what chooses among
    tensors attends to the anchors of the blocks before it that stand in the
    same outer scope (the layers of a network, the nodes of one cell). Where a
    choice has more candidates than there are such anchors, learned ones stand
    in front, for the inputs of the network or the cell.

    Args:
        space: A `SearchSpace` with at least one decision.
    """

    def __init__(self, space):
        self.decisions = len(space)
        self.num_candidates = [int(n) for n in space.num_candidates]
        self.attends = any(decision.kind != "op" for decision in space)
        before = [_blocks_before(space, i) for i in range(len(space.blocks))]
        # How many learned anchors: what the neediest choice lacks.
        lacking = [
            _attended(space, step) - len(before[i])
            for i, block in enumerate(space.blocks)
            for step in block
        ]
        self.learned_anchors = max(0, *lacking) if self.attends else 0
        self.num_anchors = self.learned_anchors + len(space.blocks) if self.attends else 0
        self.tables, self.steps, previous = [], [], -1
        for i, block in enumerate(space.blocks):
            known = [*range(self.learned_anchors)]
            known += [self.learned_anchors + k for k in before[i]]
            for start, stop in block:
                decision = space.decisions[start]
                table = -1
                if decision.kind == "op":
                    if decision.candidates not in self.tables:
                        self.tables.append(decision.candidates)
                    table = self.tables.index(decision.candidates)
                self.steps.append(
                    Step(
                        kind=decision.kind,
                        start=start,
                        stop=stop,
                        width=len(decision.candidates),
                        table=table,
                        anchors=tuple(known[: _attended(space, (start, stop))]),
                        previous=-1 if decision.kind == "skip" else previous,
                        closes=self.attends and stop == block[-1][1],
                    )
                )
                if decision.kind != "skip":
                    previous = start
        self.skip_vectors = sum(step.kind == "skip" for step in self.steps)
        alike = {}
        for i, step in enumerate(self.steps):
            shape = (step.kind, step.width, step.table, _previous_width(self, step))
            alike.setdefault(shape, []).append(i)
        self.groups = [Group(self, indices) for indices in alike.values()]
        # For each step its group and its place there.
        self.places = {
            i: (group, place) for group in self.groups for place, i in enumerate(group.steps)
        }


def _attended(space, step):
    """How many anchors a step chooses among."""
    start, stop = step
    decision = space.decisions[start]
    return {"op": 0, "input": len(decision.candidates), "skip": stop - start}[decision.kind]


def _blocks_before(space, index):
    """The blocks before block `index` in the same outer scope."""

    def outer(block):
        return space.decisions[block[0][0]].scope.rpartition("/")[0]

    here = outer(space.blocks[index])
    return [i for i in range(index) if outer(space.blocks[i]) == here]


def _previous_width(plan, step):
    return plan.num_candidates[step.previous] if step.previous >= 0 else 0
