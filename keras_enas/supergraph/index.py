"""A decision as a number."""

from keras_enas.supergraph.scope import current_scope


class Index:
    """The index that the current architecture has for a decision; what `IndexChoice` gives.

    Args:
        decision: The `Decision`.
        position: Integer, its place in the architecture.
    """

    def __init__(self, decision, position):
        self.decision = decision
        self.position = position
        self.num_candidates = len(decision.candidates)

    def read(self):
        """Returns an int32 scalar tensor, called while a step is traced; of one candidate, 0."""
        if self.num_candidates == 1:
            return 0
        return current_scope().architecture[self.position]
