"""A run chooses how many threads multiply its matrices, and its receipt says how many."""

import attrs
import pytest

import funcnet as fn
from funcnet.experiments.environment import blas_threads, facts
from tests.experiments.cases import MOMENTUM, TRAIN, interrupted, run


def threads(made):
    return [dict(there)["BLAS threads"] for _, there in made.receipt.environments]


def wide(n):
    return attrs.evolve(MOMENTUM, model=fn.sequential(fn.Linear(n), fn.Linear(n), fn.Linear(3)), metrics=(), epochs=1)


@pytest.fixture(autouse=True)
def _two():
    with blas_threads(2):
        yield


def test_small_products_have_one_thread_and_large_ones_all():
    assert threads(fn.run(wide(64), TRAIN)) == ["1"]
    assert threads(fn.run(wide(1536), TRAIN)) == ["2"]


def test_a_number_is_asked_for():
    assert threads(fn.run(wide(64), TRAIN, threads=2)) == ["2"]
    assert threads(fn.run(wide(1536), TRAIN, threads=1)) == ["1"]
    for wrong in (0, 1.5, "1"):
        with pytest.raises((TypeError, ValueError), match="threads must be an integer"):
            fn.run(wide(64), TRAIN, threads=wrong)


def test_blas_has_its_threads_again():
    fn.run(wide(64), TRAIN)
    assert facts()["BLAS threads"] == "2"


def test_a_run_that_resumes_has_as_many_as_it_began_with(tmp_path):
    interrupted(MOMENTUM, tmp_path, 3, threads=2)
    assert threads(run(MOMENTUM, tmp_path)) == ["2"]
    assert threads(run(MOMENTUM)) == ["1"]
