"""What tracing leaves behind is given back once."""

import os

import numpy as np
import pytest

from keras_enas.supergraph import Scorer, Supergraph, leftovers


def test_memory_is_released_after_the_first_step_alone(spaces, numbers, monkeypatch):
    released = []
    monkeypatch.setattr(leftovers, "release", lambda: released.append(True))
    supergraph = Supergraph(spaces["dense"](), seed=0)
    x, y = numbers
    for _ in range(2):
        supergraph.fit(x, y, batch_size=10, verbose=0)
    assert len(released) == 1 and supergraph.train_traces == 1


def test_a_wrapped_function_does_the_same(monkeypatch):
    monkeypatch.setattr(leftovers, "release", lambda: None)
    wrapped = leftovers.releasing_once(lambda a, b=1: a + b)
    assert [wrapped(1), wrapped(1, b=2)] == [2, 3]


@pytest.mark.skipif("not __import__('sys').platform.startswith('linux')", reason="reads /proc")
def test_freed_memory_goes_back():
    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # Small pieces come from the heap, and the last one keeps it from shrinking by itself.
    pieces = [np.zeros(2_000) for _ in range(20_000)]
    for piece in pieces:
        piece[:] = 1
    last, before = pieces[-1], resident()
    del pieces, piece
    leftovers.release()
    # Of 320 MB, in a process that may hold gigabytes.
    assert before - resident() > 200e6 and last[0] == 1


def test_memory_is_released_after_the_first_score_alone(spaces, numbers, monkeypatch):
    released = []
    monkeypatch.setattr(leftovers, "release", lambda: released.append(True))
    supergraph = Supergraph(spaces["dense"](), seed=0)
    scorer = Scorer(supergraph)
    for _ in range(2):
        scorer(np.zeros(len(supergraph.space), np.int32), [numbers])
    assert len(released) == 1 and scorer.traces == 1
