"""Which architectures the shared weights are trained as."""

import numpy as np
import pytest
from small_space import SmallSpace

from keras_enas import ENASOracle, ENASTuner, RandomOracle
from keras_enas.search_space import Decision, SearchSpace
from keras_enas.supergraph import Supergraph
from keras_enas.tuner import sampling

SPACE = SearchSpace(
    [
        Decision("a", "op", ("x", "y", "z")),
        Decision("b", "input", (0, 1)),
        Decision("c/0", "skip", (0, 1), "c"),
        Decision("d", "op", ("x", "y", "z", "v", "w")),
    ]
)


@pytest.mark.parametrize("n", [1, 7, 30])
def test_fair_has_every_candidate_once_in_as_many_rows(n):
    rows = sampling.fair(SPACE, n, np.random.default_rng(0))
    assert rows.shape == (n, 4) and rows.dtype == np.int32
    for column, m in zip(rows.T, SPACE.num_candidates, strict=True):
        for start in range(0, n - n % m, m):
            assert sorted(column[start : start + m]) == list(range(m))


def test_fair_draws_every_architecture_alike():
    """Of 30,000 rows 500 of each of 60; chance of a false alarm below 1e-6 (six deviations)."""
    rows = sampling.fair(SPACE, 30_000, np.random.default_rng(0))
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    assert len(counts) == 60
    assert abs(counts - 500).max() < 6 * np.sqrt(500)


def test_sandwich_has_the_largest_and_the_smallest_in_every_update():
    sizes = [np.array(s) for s in ([5, 9, 0], [0, 0], [0, 1], [7, 1, 1, 3, 7])]
    rows = sampling.sandwich(SPACE, 400, 4, sizes, np.random.default_rng(0))
    largest, smallest, *others = rows.reshape(-1, 4, 4).transpose(1, 0, 2)
    assert (largest[:, [0, 2]] == [1, 1]).all() and set(largest[:, 3]) == {0, 4}
    assert (smallest[:, [0, 2]] == [2, 0]).all() and set(smallest[:, 3]) == {1, 2}
    assert set(largest[:, 1]) == set(smallest[:, 1]) == {0, 1}
    assert all(len(np.unique(part, axis=0)) > 30 for part in others)


def test_sizes_of_candidates_are_their_parameters():
    supergraph = Supergraph(SmallSpace(), seed=0)
    dense = 16 * 16 + 16
    named = dict(
        zip(
            [d.name for d in supergraph.space],
            sampling.sizes_of_candidates(supergraph),
            strict=True,
        )
    )
    assert list(named["layer_0/op"]) == list(named["layer_1/op"]) == [dense, dense, 0]
    assert list(named["layer_1/skip/0"]) == [0, 1]


@pytest.mark.parametrize("name", ["uniform", "fair", "sandwich"])
def test_a_search_by_every_sampling(name, make_tuner, search):
    group = {"fair": 3, "sandwich": 4}.get(name, 1)
    tuner = search(make_tuner(sampling=name, architectures_per_step=group))
    # Two updates and a derivation a round; the derivation of the end puts the counter back.
    assert int(tuner.oracle.get_arrays()["draws"]) == 2 * (2 + 1)
    assert tuner.supergraph.train_traces == 1
    # 6 batches and 2 rounds; of a group's gradients one update is made.
    assert int(tuner.supergraph.optimizer.iterations) == 12


def test_the_default(tmp_path):
    """What measured best; the paper for its profiles; and what alone keeps to a limit."""

    def sampling_of(**kwargs):
        tuner = ENASTuner(SmallSpace(), directory=tmp_path, overwrite=True, **kwargs)
        return tuner.settings.sampling

    assert sampling_of() == "fair"
    assert sampling_of(oracle=RandomOracle("val_accuracy", max_trials=2)) == "fair"
    assert sampling_of(profile="paper") == "controller"
    oracle = ENASOracle("val_accuracy", max_trials=2, profile="released_code")
    assert sampling_of(oracle=oracle) == "controller"
    assert sampling_of(oracle=oracle, sampling="uniform") == "uniform"
    assert sampling_of(cost="parameters", cost_limit=4000) == "controller"


@pytest.mark.slow
def test_a_search_repeats_itself(make_tuner, search, same_state):
    settings = {"sampling": "fair", "architectures_per_step": 3}
    one, other = (search(make_tuner(project_name=name, **settings)) for name in "ab")
    assert same_state(one, other)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"sampling": "greedy"}, "`sampling` must be None or one of"),
        ({"architectures_per_step": 0}, "`architectures_per_step` must be"),
        (
            {"sampling": "fair", "cost": "parameters", "cost_limit": 4000},
            "goes with `sampling='controller'` only",
        ),
        ({"sampling": "sandwich"}, "give `architectures_per_step` of at least 2"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        ENASTuner(SmallSpace(), directory=tmp_path, **kwargs)
    assert not list(tmp_path.iterdir())
