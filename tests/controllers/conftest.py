import pytest

from keras_enas.search_space import Decision, SearchSpace


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


@pytest.fixture(scope="session")
def micro_space():
    """Returns a function that makes the decisions of the micro space, with no network to them."""

    def make(num_blocks=5):
        operations = ("sep3", "sep5", "avg3", "max3", "identity")
        return SearchSpace(
            decision
            for cell in ("normal", "reduction")
            for i in range(num_blocks)
            for side in (1, 2)
            for decision in (
                Decision(f"{cell}/block_{i}/input_{side}", "input", range(i + 2)),
                Decision(f"{cell}/block_{i}/op_{side}", "op", operations),
            )
        )

    return make
