"""A run with an embedding, batch normalization, dropout, AdamW and accumulated, clipped gradients is like any run."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from tests.experiments.cases import STATISTICS, TEST, TRAIN, assert_same_run, run


def test_statistics_move_and_are_in_the_checkpoint_and_in_the_digests(tmp_path):
    made = run(STATISTICS, tmp_path)
    assert [*tree.named_buffers(made.params)] == ["4.running_mean", "4.running_var"]
    assert tree.named_buffers(made.params)["4.running_mean"].any()
    _, progress = fn.load(tmp_path / "checkpoint.npz")
    assert progress.state.params == made.state.params
    assert set(np.load(tmp_path / "checkpoint.npz").files) > {"state.params.4.running_mean", "state.params.4.weight"}
    names, digests = [*tree.named_leaves(made.params)], made.history["leaves"][-1]
    assert len(digests) == len(names) + 2


def test_a_run_verifies_and_says_which_statistics_differ(tmp_path):
    run(STATISTICS, tmp_path)
    assert fn.verify(tmp_path, TRAIN, TEST).identical
    layers = STATISTICS.model.layers
    other = fn.sequential(*layers[:4], fn.BatchNorm(momentum=0.2), *layers[5:])
    other = attrs.evolve(STATISTICS, model=other)
    assert run(other).receipt.digest != run(STATISTICS).receipt.digest


def test_the_best_params_are_kept_with_the_statistics_of_their_epoch():
    kept = run(attrs.evolve(STATISTICS, keep_best=fn.KeepBest("test loss", "min"), epochs=8))
    best = int(np.argmin(kept.history["test loss"])) + 1
    assert kept.params == run(attrs.evolve(STATISTICS, epochs=best)).params


@pytest.mark.slow
def test_a_sweep_on_two_processes_has_the_bits_of_single_runs():
    experiments = fn.grid(STATISTICS, seed=range(2), gradient=[fn.value_and_grad, fn.accumulated(3)])
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        runs = dict(fn.sweep(experiments, TRAIN, TEST, pool))
    for experiment in experiments:
        assert runs[experiment].error is None
        assert_same_run(runs[experiment], run(experiment))
