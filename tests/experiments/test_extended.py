"""A run that ended is made longer, and starts from given params; its receipt says so."""

import json

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.experiments.directory import Directory
from tests.experiments.cases import ADAM, MOMENTUM, STATISTICS, TEST, TRAIN, assert_same_run, interrupted, run

LONG = {
    "momentum": attrs.evolve(MOMENTUM, epochs=9),
    "statistics": attrs.evolve(STATISTICS, epochs=9),
    "a row is no longer due": attrs.evolve(MOMENTUM, epochs=10, evaluate_every=4),
    "the best kept": attrs.evolve(MOMENTUM, epochs=9, keep_best=fn.KeepBest("test loss", "min")),
    "stopped early": ADAM,
}


@pytest.mark.parametrize("long", LONG.values(), ids=LONG)
@pytest.mark.parametrize("shorter_by", [1, 4])
def test_an_extended_run_has_the_bits_of_a_run_that_was_longer_from_the_start(long, shorter_by, tmp_path):
    short = attrs.evolve(long, epochs=long.epochs - shorter_by)
    run(short, tmp_path)
    made = run(long, tmp_path)
    assert_same_run(made, run(long))
    assert made.receipt.extended == (short.epochs,)
    assert_same_run(fn.read(tmp_path), made)
    assert fn.verify(tmp_path, TRAIN, TEST)


@pytest.mark.parametrize("evaluation", [1, 2])
def test_an_extension_that_is_stopped_goes_on(evaluation, tmp_path):
    long = LONG["a row is no longer due"]
    run(attrs.evolve(long, epochs=6), tmp_path)
    assert interrupted(long, tmp_path, evaluation)
    assert_same_run(run(long, tmp_path), run(long))


def test_an_extension_that_was_killed_between_two_files_goes_on(tmp_path):
    short, long = MOMENTUM, LONG["momentum"]
    run(short, tmp_path)
    (tmp_path / "experiment.json").write_text(long.to_json() + "\n")
    assert_same_run(run(long, tmp_path), run(long))


def test_an_extended_run_cannot_be_made_shorter(tmp_path):
    run(LONG["momentum"], tmp_path)
    with pytest.raises(fn.ExperimentError, match="epochs is 9 there and 6 here"):
        run(MOMENTUM, tmp_path)


def test_a_best_epoch_that_the_longer_run_would_not_evaluate_is_refused(tmp_path):
    long = attrs.evolve(MOMENTUM, epochs=8, evaluate_every=4, keep_best=fn.KeepBest("loss", "min"))
    short = attrs.evolve(long, epochs=6)
    ended = run(short, tmp_path)
    with pytest.raises(fn.ExperimentError, match="best params are those of epoch 6, which a run of 8 epochs with"):
        run(long, tmp_path)
    assert_same_run(run(short, tmp_path), ended)


def test_only_the_number_of_epochs_may_change(tmp_path):
    run(MOMENTUM, tmp_path)
    with pytest.raises(fn.ExperimentError, match="seed is 1 there and 2 here"):
        run(attrs.evolve(LONG["momentum"], seed=2), tmp_path)


# --- Given params ---


@pytest.fixture
def params():
    return run(attrs.evolve(MOMENTUM, seed=5, epochs=2)).params


def test_a_run_starts_from_given_params(params, tmp_path):
    made = run(attrs.evolve(MOMENTUM, epochs=0), params=params)
    assert made.params == params
    straight = run(MOMENTUM, params=params)
    assert straight.receipt.digest != run(MOMENTUM).receipt.digest
    interrupted(MOMENTUM, tmp_path, 3, params=params)
    assert_same_run(run(MOMENTUM, tmp_path, params=params), straight)
    assert fn.verify(tmp_path, TRAIN, TEST)
    assert json.loads((tmp_path / "receipt.json").read_text())["initial_params"] == straight.receipt.initial


def test_given_params_are_part_of_what_a_directory_belongs_to(params, tmp_path):
    run(MOMENTUM, tmp_path, params=params)
    for other in (None, fn.tree.map(lambda leaf: leaf + 1, params)):
        with pytest.raises(fn.ExperimentError, match="began from different params"):
            run(MOMENTUM, tmp_path, params=other)


def test_other_initial_params_in_the_directory_are_noticed(params, tmp_path):
    run(MOMENTUM, tmp_path, params=params)
    fn.save(Directory(tmp_path).path / "initial.npz", MOMENTUM.model, fn.tree.map(lambda leaf: leaf + 1, params))
    with pytest.raises(fn.ExperimentError, match="began from different params"):
        fn.verify(tmp_path, TRAIN, TEST)


def test_params_that_do_not_fit_are_refused(params, tmp_path):
    with pytest.raises(fn.TreeError, match="params must have the structure of the params that the model draws"):
        run(MOMENTUM, tmp_path, params=params[:2])
    with pytest.raises(fn.TreeError, match=r"0.weight is float64; write fn.tree.cast\(params, np.float32\)"):
        run(MOMENTUM, tmp_path, params=fn.tree.cast(params, np.float64))
    with pytest.raises(TypeError, match=r"params must be params, got a Run: write run\.params"):
        run(MOMENTUM, tmp_path, params=run(MOMENTUM))
    assert not list(tmp_path.iterdir())


def test_statistics_of_given_params_are_kept_and_have_the_dtypes_of_the_experiment():
    ended = run(STATISTICS)
    begun = run(attrs.evolve(STATISTICS, epochs=0), params=ended.params)
    assert begun.params == ended.params
    with pytest.raises(fn.TreeError, match=r"is float64; write fn.tree.cast\(params, np.float32\)"):
        run(STATISTICS, params=fn.tree.cast(ended.params, np.float64))
