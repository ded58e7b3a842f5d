import pytest

from keras_enas.search_space import Decision, SearchSpace


@pytest.fixture(scope="session")
def macro_space():
    """Returns a function that makes the macro space of so many layers and operations."""

    def make(num_layers=12, num_ops=6):
        decisions = []
        for k in range(num_layers):
            labels = tuple(f"op{i}" for i in range(num_ops))
            decisions.append(Decision(f"layer_{k}/op", "op", labels))
            for i in range(k):
                name = f"layer_{k}/skip"
                decisions.append(Decision(f"{name}/{i}", "skip", (0, 1), name))
        return SearchSpace(decisions)

    return make


@pytest.fixture(scope="session")
def mixed_space():
    """All three kinds, different candidate lists, more to attend to than there are blocks."""
    return SearchSpace(
        [
            Decision("stem", "op", ("a", "b", "c")),
            Decision("node_0/input", "input", (0, 1)),
            Decision("node_0/op", "op", ("a", "b")),
            Decision("node_1/input", "input", (0, 1, 2)),
            Decision("node_1/op", "op", ("a", "b")),
            Decision("node_1/skip/0", "skip", (0, 1), "node_1/skip"),
            Decision("node_1/skip/1", "skip", (0, 1), "node_1/skip"),
            Decision("only", "op", ("one",)),
        ]
    )


@pytest.fixture(scope="session")
def small_space(macro_space):
    """Two layers: three decisions, quick to trace."""
    return macro_space(2, 3)
