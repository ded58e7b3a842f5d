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
        """Returns the index, called while a step is traced.

        An int32 scalar tensor that follows the architecture; the integer 0 if there is
        one candidate only, as where a cell's second node can take the first alone.
        """
        if self.num_candidates == 1:
            return 0
        return current_scope().architecture[self.position]
