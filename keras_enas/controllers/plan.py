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
        warmups: Integer, warm-up steps before it.
    """

    kind: str
    start: int
    stop: int
    width: int
    table: int
    anchors: tuple
    previous: int
    closes: bool
    warmups: int

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
    same outer scope (the layers of a network, the nodes of one cell). Where
    choices of a scope have more candidates than there are such anchors, the
    policy takes as many warm-up steps before the scope: theirs are the anchors
    of the inputs of the network or the cell (two in the released micro code).

    Args:
        space: A `SearchSpace` with at least one decision.
    """

    def __init__(self, space):
        self.space = space
        self.decisions = len(space)
        self.num_candidates = [int(n) for n in space.num_candidates]
        self.attends = any(decision.kind != "op" for decision in space)
        before = [_blocks_before(space, i) for i in range(len(space.blocks))]
        scopes = [_outer(space, i) for i in range(len(space.blocks))]
        # How many warm-up steps: what the neediest choice of a scope lacks.
        warmups = dict.fromkeys(scopes, 0)
        for i, block in enumerate(space.blocks):
            for step in block:
                lacking = _attended(space, step) - len(before[i])
                warmups[scopes[i]] = max(warmups[scopes[i]], lacking)
        self.input_anchors, of_scope, of_block = [], {}, []
        self.num_anchors = 0
        self.tables, self.steps, previous = [], [], -1
        for i, block in enumerate(space.blocks):
            scope = scopes[i]
            first = scope not in of_scope
            if first:
                of_scope[scope] = [self.num_anchors + k for k in range(warmups[scope])]
                self.input_anchors += of_scope[scope]
                self.num_anchors += warmups[scope]
            known = of_scope[scope] + [of_block[k] for k in before[i]]
            of_block.append(self.num_anchors)
            self.num_anchors += self.attends
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
                        warmups=warmups[scope] if first and start == block[0][0] else 0,
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


def _outer(space, index):
    """The scope around the scope of block `index`."""
    return space.decisions[space.blocks[index][0][0]].scope.rpartition("/")[0]


def _blocks_before(space, index):
    """The blocks before block `index` in the same outer scope."""
    here = _outer(space, index)
    return [i for i in range(index) if _outer(space, i) == here]


def _previous_width(plan, step):
    return plan.num_candidates[step.previous] if step.previous >= 0 else 0
