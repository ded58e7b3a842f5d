"""The second opinion: architectures trained alone for a while, halved."""

import functools

import numpy as np
import pytest
from fake_training import DATA, SCORES, FakePool, OneOfFive, Scripted

from keras_enas import SuccessiveHalving
from keras_enas.search_space import Decision, SearchSpace
from keras_enas.tuner import halving
from keras_enas.tuner.neighbourhood import neighbours, swaps
from keras_enas.tuner.proposals import Surrogate
from keras_enas.tuner.round import Score


@pytest.mark.parametrize(
    "settings, n, expected",
    [
        (SuccessiveHalving(), 16, [(16, 1), (8, 1), (4, 2), (2, 4)]),
        (SuccessiveHalving(epochs=2, growth=3), 5, [(5, 2), (3, 4), (2, 12)]),
        (SuccessiveHalving(factor=4), 9, [(9, 1), (3, 1)]),
        (SuccessiveHalving(factor=1.1), 4, [(4, 1), (3, 1), (2, 2)]),
        (SuccessiveHalving(epochs=0.5), 4, [(4, 0.5), (2, 0.5)]),
        (SuccessiveHalving(), 1, []),
    ],
)
def test_rungs(settings, n, expected):
    assert settings.rungs(n) == expected


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"candidates": 1}, "`candidates`"),
        ({"batch": 1}, "`batch`"),
        ({"prior": "luck"}, "`prior` must be None or one of .*naswot"),
        ({"size": "large"}, "`size` must be"),
        ({"proposals": "random"}, "`proposals` must be"),
        ({"factor": 1}, "`factor` must be above 1"),
        ({"epochs": 0}, "`epochs` must be positive"),
        ({"epochs": "1"}, "`epochs` must be positive"),
        ({"epochs": True}, "`epochs` must be positive"),
        ({"growth": 1}, "`growth`"),
        ({"max_cpu_seconds": 0}, "`max_cpu_seconds` must be positive"),
    ],
)
def test_bad_settings_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        SuccessiveHalving(**kwargs)


def test_the_better_part_goes_on_from_where_it_was(tmp_path):
    scripted = Scripted(SCORES)
    found = halving.halve(
        lambda: scripted, OneOfFive(), FakePool(), SuccessiveHalving(5), str(tmp_path / "s"), DATA
    )
    first = [(i, 0, 0, 1) for i in range(5)]
    second = [(i, 1, 1, 1) for i in (4, 1, 3)]
    third = [(i, 2, 2, 2) for i in (3, 1)]
    assert scripted.trained == first + second + third
    assert [(i, one.epochs, one.objective) for i, one in found[:4]] == [
        (1, 4, 0.7),
        (3, 4, 0.6),
        (4, 2, 0.1),
        (0, 1, 0.1),
    ]
    assert found[4][0] == 2
    # The weights are gone, what was found stays.
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["journal.json"]


@pytest.mark.parametrize("dies_at", range(10))
def test_an_interrupted_one_goes_on(dies_at, tmp_path):
    arguments = (OneOfFive(), FakePool(), SuccessiveHalving(5))
    whole = Scripted(SCORES)
    expected = halving.halve(lambda: whole, *arguments, str(tmp_path / "whole"), DATA)
    begun, rest = Scripted(SCORES, dies_at), Scripted(SCORES)
    with pytest.raises(KeyboardInterrupt):
        halving.halve(lambda: begun, *arguments, str(tmp_path / "s"), DATA)
    found = halving.halve(lambda: rest, *arguments, str(tmp_path / "s"), DATA)
    assert begun.trained + rest.trained == whole.trained
    assert repr(found) == repr(expected)
    # Once more: nothing is left to do.
    assert repr(halving.halve(None, *arguments, str(tmp_path / "s"), DATA)) == repr(expected)


@pytest.mark.parametrize("prior", [None, "parameters"])
@pytest.mark.parametrize("dies_at", [1, 3, 4])
def test_proposals_follow_from_what_was_trained(dies_at, prior, tmp_path):
    """And say who stands how; the same after an interruption."""
    asked, fitted = [], []

    class Proposals:
        def propose(self, earned, n):
            asked.append((dict(earned), n))
            return [4, 2] if not earned else [0]

        def worth(self, earned):
            fitted.append(list(earned))
            return [-i for i in earned]

    settings = SuccessiveHalving(3, proposals="surrogate", batch=2, prior=prior)
    scores = {**SCORES, 2: {1: float("nan"), 2: 0.95}}
    scripted, rest = Scripted(scores, dies_at), Scripted(scores)
    arguments = (OneOfFive(), FakePool(), settings, str(tmp_path / "s"), DATA, Proposals())
    with pytest.raises(KeyboardInterrupt):
        halving.halve(lambda: scripted, *arguments)
    asked.clear()
    found = halving.halve(lambda: rest, *arguments)
    trained = [one[0] for one in scripted.trained + rest.trained]
    assert [n for _, n in asked] == [2, 2] and asked[0][0] == {}
    assert asked[1][0][4] == 0.6 and asked[1][0][2] == -np.inf
    # To the whole first rung, in the order of the trainings: also for the second, of 4 and 0.
    assert fitted == ([[4, 2, 0]] * len(fitted) if prior else []) and bool(fitted) == bool(prior)
    if prior:
        # What failed is last. In the second rung 4 earns less.
        assert trained == [4, 2, 0, 0, 4] and [i for i, _ in found] == [0, 4, 2]
    else:
        assert trained == [4, 2, 0, 4, 0] and [i for i, _ in found] == [0, 4, 2]


def test_one_of_other_candidates_begins_anew(tmp_path):
    settings, folder = SuccessiveHalving(2), str(tmp_path / "s")
    halving.halve(lambda: Scripted(SCORES), OneOfFive(), FakePool([0, 1]), settings, folder, DATA)
    other = Scripted(SCORES)
    halving.halve(lambda: other, OneOfFive(), FakePool([3, 4]), settings, folder, DATA)
    assert [trained[0] for trained in other.trained] == [3, 4]
    # So does one on other data.
    again = Scripted(SCORES)
    halving.halve(lambda: again, OneOfFive(), FakePool([3, 4]), settings, folder, ["other"])
    assert [trained[0] for trained in again.trained] == [3, 4]


@pytest.mark.parametrize(
    "prior, surrogate, expected",
    [
        (None, True, [0, 1, 2, 3, 4, 5, 6, 7]),
        ("parameters", False, [0, 2, 1, 3, 5, 4, 6, 7]),
        ("parameters", True, [0, 3, 2, 1, 5, 6, 4, 7]),
    ],
)
def test_with_a_prior_ranks_decide(prior, surrogate, expected, tmp_path):
    """What was earned falls from 0 to 7. Without any of the three ranks others would go on."""
    smoothed, priors = (4, 3, 1, 5, 2, 7, 6, 0), (1, 2, 7, 6, 0, 5, 4, 3)

    class Known(FakePool):
        # The scores, which no longer count.
        columns = tuple(zip((0.0, 5.0, 1.0, 2.0, 4.0, 6.0, 3.0, 7.0), priors, strict=True))

    class Surrogate(halving.ByPromise):
        def worth(self, earned):
            return [smoothed[i] for i in earned]

    pool = Known(range(8))
    earned = {i: {1: 0.9 - i / 10, 2: 1.0 - expected.index(i) / 10} for i in range(8)}
    found = halving.halve(
        lambda: Scripted(earned),
        OneOfFive(),
        pool,
        SuccessiveHalving(8, prior=prior, factor=4),
        str(tmp_path / "s"),
        DATA,
        Surrogate(pool) if surrogate else None,
    )
    assert [i for i, _ in found] == expected
    assert [one.epochs for _, one in found] == [2, 2, 1, 1, 1, 1, 1, 1]


def test_ranks_decide_in_later_rungs_too(tmp_path):
    """By what was earned in the second, alone or with one of the others, 2 and 3 would go on."""
    first, second, third = range(8, 0, -1), (0, 1, 3, 2), {1: 0.5, 2: 0.6}
    earned = {i: {1: first[i], 2: second[i] if i < 4 else None, 4: third.get(i)} for i in range(8)}

    class Known(FakePool):
        columns = tuple((0.0, prior) for prior in (6.0, 5.0, 7.0, 4.0, 3.0, 1.0, 0.0, 2.0))

    arguments = SuccessiveHalving(8, prior="parameters"), str(tmp_path / "s"), DATA
    found = halving.halve(lambda: Scripted(earned), OneOfFive(), Known(range(8)), *arguments)
    assert [(i, one.epochs) for i, one in found[:4]] == [(2, 4), (1, 4), (0, 2), (3, 2)]
    assert [i for i, _ in found[4:]] == [4, 5, 6, 7]


@pytest.mark.parametrize("in_the_first", [True, False])
def test_with_a_prior_what_failed_is_last(in_the_first, tmp_path):
    """If by ranks it stood before another, too."""

    class Known(FakePool):
        columns = tuple((0.0, prior) for prior in (9.0, 7.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0))

    nan = float("nan")
    first = [0.9, 0.7, 0.8, *(0.6 - i / 10 for i in range(6))]
    earned = {i: {1: first[i], 2: {1: 0.5, 2: 0.6, 3: 0.4}.get(i, nan)} for i in range(9)}
    if in_the_first:
        earned[0][1] = nan
    settings = SuccessiveHalving(9, prior="parameters", factor=3)
    arguments = OneOfFive(), Known(range(9)), settings, str(tmp_path / "s"), DATA
    found = halving.halve(lambda: Scripted(earned), *arguments)
    expected = [2, 1, 3, 4, 5, 6, 7, 8, 0] if in_the_first else [2, 1, 0, 3, 4, 5, 6, 7, 8]
    assert [i for i, _ in found] == expected
    assert [one.epochs for _, one in found] == [2] * 3 + [1] * 6


def test_of_two_who_earned_more_is_first(tmp_path):
    """Whatever stood before."""

    class Known(FakePool):
        columns = ((0.0, 9.0), (0.0, 5.0), (0.0, 4.0))

    earned = {0: {1: 0.9, 2: 0.5}, 1: {1: 0.8, 2: 0.6}, 2: {1: 0.1}}
    settings = SuccessiveHalving(3, prior="parameters")
    arguments = OneOfFive(), Known(range(3)), settings, str(tmp_path / "s"), DATA
    found = halving.halve(lambda: Scripted(earned), *arguments)
    assert [i for i, _ in found] == [1, 0, 2]


def test_another_rule_begins_anew(tmp_path, monkeypatch):
    """By it others would go on, whose weights are not on disk."""
    arguments = OneOfFive(), FakePool(), SuccessiveHalving(5, prior="parameters")
    halving.halve(lambda: Scripted(SCORES), *arguments, str(tmp_path / "s"), DATA)
    again = Scripted(SCORES)
    halving.halve(lambda: again, *arguments, str(tmp_path / "s"), DATA)
    assert again.trained == []
    monkeypatch.setattr(halving, "RANK_WEIGHTS", (1.0, 0.0, 0.0))
    halving.halve(lambda: again, *arguments, str(tmp_path / "s"), DATA)
    assert [one[0] for one in again.trained[:5]] == [0, 1, 2, 3, 4]


def test_what_diverged_does_not_go_on(tmp_path):
    """Three of eight have a loss: three are in the second rung, though it has room for four."""
    fine = {1: 0.5, 2: 0.6, 4: 0.7}
    scripted = Scripted({i: fine if i in (2, 5, 7) else {1: float("nan")} for i in range(8)})
    arguments = FakePool(range(8)), SuccessiveHalving(8), str(tmp_path / "s"), DATA
    found = halving.halve(lambda: scripted, OneOfFive(), *arguments)
    assert [i for i, _, first, _ in scripted.trained if first == 1] == [2, 5, 7]
    assert [one.epochs for _, one in found] == [4, 4, 2, 1, 1, 1, 1, 1]


def test_a_rung_that_diverged_as_a_whole_is_the_last(tmp_path):
    nan = float("nan")
    scripted = Scripted({i: {1: nan} for i in range(4)})
    settings = SuccessiveHalving(4, max_cpu_seconds=1e6)
    found = halving.halve(
        lambda: scripted, OneOfFive(), FakePool(range(4)), settings, str(tmp_path / "s"), DATA
    )
    assert len(found) == len(scripted.trained) == 4


class GrowingPool(FakePool):
    """Neighbours are proposed until there are no more."""

    def propose(self, earned, n):
        rng = np.random.default_rng(len(earned))
        joined = len(self.indices)
        self.indices += [(joined + i,) for i in range(int(rng.integers(1, n + 1)))]
        free = [i for i in range(len(self.indices)) if i not in earned]
        return rng.permutation(free)[: max(n - len(earned) // 8, 0)].tolist()


@pytest.mark.parametrize("dies_at", [3, 8, 12, 17, 24, None])
def test_a_pool_that_grows_is_the_same_again(dies_at, tmp_path):
    """Proposals that run out, too: a second run knows how many there were."""
    scores = {i: dict.fromkeys((1, 2), (i * 7 % 11) / 11) for i in range(200)}
    settings = SuccessiveHalving(30, factor=10)
    expected, whole = None, Scripted(scores)
    for scripted in (whole, Scripted(scores, dies_at), Scripted(scores)):
        pool, folder = GrowingPool(), tmp_path / ("whole" if scripted is whole else "killed")
        run = functools.partial(
            halving.halve, lambda s=scripted: s, OneOfFive(), pool, settings, str(folder), DATA
        )
        if scripted.dies_at is not None:
            with pytest.raises(KeyboardInterrupt):
                run(proposals=pool)
            begun = scripted.trained
            continue
        found = [(pool.indices[i], repr(one)) for i, one in run(proposals=pool)]
        expected = expected or found
        assert found == expected
    if dies_at is not None:
        assert begun + scripted.trained == whole.trained


SPACE = SearchSpace([Decision(name, "op", ("x", "y", "z")) for name in "abcd"])


class ScoredPool:
    """Of 81 architectures; scores are looked up for what joins it."""

    def __init__(self):
        self.indices, self.columns = [], []
        self.add([(i, j, 0, 0) for i in range(3) for j in range(3)])

    def promise(self):
        return np.array(self.columns)[:, 0]

    def around(self, architecture):
        return [*neighbours(SPACE, architecture), *swaps(SPACE, architecture)]

    def add(self, architectures):
        # Some may not be derived.
        new = [one for one in architectures if one[3] != 2 and one not in self.indices]
        self.indices += new
        self.columns += [[sum(one) % 3, one.count(1)] for one in new]
        return [None if one[3] == 2 else self.indices.index(one) for one in architectures]


@pytest.mark.parametrize("prior", [None, "parameters"])
@pytest.mark.parametrize("dies_at", [2, 9, 15, 22, 30])
def test_a_surrogate_that_is_built_anew_proposes_the_same(dies_at, prior, tmp_path):
    class Trains(Scripted):
        def train(self, indices, arrays, first, epochs):
            if len(self.trained) == self.dies_at:
                raise KeyboardInterrupt
            self.trained.append((indices, first))
            score = indices.count(1) + np.random.default_rng((*indices, int(first))).normal()
            return {"w": arrays["w"] + epochs}, Score(score, 0.0, score), 10.0

    def run(training, folder):
        pool = ScoredPool()
        settings = SuccessiveHalving(24, proposals="surrogate", batch=4, factor=3, prior=prior)
        proposals = Surrogate(SPACE, pool, 6, seed=0)
        arguments = (SPACE, pool, settings, str(tmp_path / folder), DATA, proposals)
        found = halving.halve(lambda: training, *arguments)
        return [(pool.indices[i], repr(one)) for i, one in found]

    whole, begun, rest = Trains(None), Trains(None, dies_at), Trains(None)
    expected = run(whole, "whole")
    assert len(whole.trained) > 31
    with pytest.raises(KeyboardInterrupt):
        run(begun, "killed")
    assert run(rest, "killed") == expected
    assert begun.trained + rest.trained == whole.trained
