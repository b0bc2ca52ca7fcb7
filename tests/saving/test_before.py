"""Files that an earlier funcnet wrote: they load and go on.

The files are in `before` and were made at commit 764c9fb, with NumPy 2.4 and one thread of BLAS, by the values below:
MODEL and its params by `fn.save`, as .npz and as .safetensors; STATE, three steps of Adam, by `fn.save`; PLAIN's params
by `np.savez` and, with weights (n_out, n_in), by `safetensors.numpy.save_file`; EVERYTHING by its `to_json`.

The params drawn are the same on every machine. The runs of then are in test_runs_before.py.
"""

import json
import zipfile
from hashlib import sha256
from pathlib import Path

import attrs
import numpy as np
import pytest

import funcnet as fn

BEFORE = Path(__file__).parent / "before"


# --- What was saved ---

MODEL = fn.sequential(
    fn.Flatten(),
    fn.Linear(6),
    fn.ReLU(),
    fn.Dropout(0.25),
    fn.add(fn.Linear(5), fn.sequential(fn.Linear(4), fn.ReLU(), fn.Linear(5))),
    fn.concatenate(fn.Identity(), fn.Linear(3, bias=False)),
    fn.residual(fn.sequential(fn.Linear(8), fn.Dropout(0.5, fn.Key(3).fold_in("own")))),
    fn.Linear(2, weight_init=fn.initializers.he_uniform, bias_init=fn.initializers.constant(0.5)),
)
PLAIN = fn.sequential(fn.Linear(4), fn.ReLU(), fn.Linear(2))


def params_of_model():
    """Of which the first weight is in Fortran's order."""
    flatten, first, *others = MODEL.init(fn.Key(0).fold_in("init"), (2, 3))
    return flatten, attrs.evolve(first, weight=np.asfortranarray(first.weight)), *others


def params_of_plain():
    return PLAIN.init(fn.Key(1).fold_in("init"), (3,))


def digest(tree):
    hashed = sha256()
    for name, leaf in fn.tree.named_leaves(tree).items():
        hashed.update(f"{name} {leaf.dtype.str} {leaf.shape}\n".encode() + leaf.tobytes())
    return hashed.hexdigest()


STATE = "bc3f519075188cef912f7d133e0044fa539f656af0e5518563629b6cb73224fd"


# --- Models and states ---


@pytest.fixture(params=["npz", "safetensors"])
def suffix(request):
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    return request.param


def test_a_model_loads_with_its_params(suffix):
    model, params = fn.load(BEFORE / f"model.{suffix}")
    assert model == MODEL
    assert fn.tree.equal(params, params_of_model())


def test_the_order_in_memory_comes_back(suffix):
    _, params = fn.load(BEFORE / f"model.{suffix}")
    assert [leaf.flags.fnc for leaf in fn.tree.leaves(params)] == [
        leaf.flags.fnc for leaf in fn.tree.leaves(params_of_model())
    ]
    assert params[1].weight.flags.fnc


def test_a_model_fits_a_tree_like_its_params(suffix):
    assert fn.load(BEFORE / f"model.{suffix}", like=params_of_model()) == (MODEL, params_of_model())


def test_a_model_computes_with_params_that_were_loaded():
    model, params = fn.load(BEFORE / "model.npz")
    x = np.ones((3, 2, 3), np.float32)
    assert fn.tree.equal(model.apply(params, x), MODEL.apply(params_of_model(), x))


def test_a_training_state_loads():
    model, state = fn.load(BEFORE / "state.npz")
    assert model == PLAIN
    assert (type(state), type(state.optimizer_state)) == (fn.TrainState, fn.OptimizerState)
    assert (state.step, state.optimizer_state.step, len(state.optimizer_state.moments)) == (3, 3, 2)
    assert digest(state) == STATE


def test_a_training_state_goes_on():
    model, state = fn.load(BEFORE / "state.npz")
    batch = (fn.data.parity(3).x, fn.data.parity(3).y)
    state, value = fn.train_step(model, fn.SoftmaxCrossEntropy(), fn.Adam(0.05), state, batch, fn.Key(2))
    assert (state.step, state.optimizer_state.step) == (4, 4)
    assert np.isfinite(value)


def test_files_made_elsewhere_load_by_a_tree_like_theirs(suffix):
    like = fn.tree.zeros_like(params_of_plain())
    assert fn.load(BEFORE / f"plain.{suffix}", like=like) == (None, params_of_plain())


def test_an_npz_is_written_as_it_was(tmp_path):
    fn.save(tmp_path / "again.npz", MODEL, params_of_model())
    again = entries(tmp_path / "again.npz")
    assert again.pop("funcnet.sha256") == sha256(again["funcnet.json"]).hexdigest().encode()  # which format 1 lacks
    again["funcnet.json"] = again["funcnet.json"].replace(b'"format": 2', b'"format": 1')
    assert again == entries(BEFORE / "model.npz")


def entries(path):
    """What is in an .npz; the files of before tell the time as well."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_safetensors_is_written_as_it_was(tmp_path):
    pytest.importorskip("safetensors")
    fn.save(tmp_path / "again.safetensors", MODEL, params_of_model())
    again, numbers = header_and_numbers(tmp_path / "again.safetensors")
    text = again["__metadata__"]["funcnet"].replace('"format": 2', '"format": 1')
    again["__metadata__"] = {"funcnet": text, "funcnet.sha256": sha256(text.encode()).hexdigest()}
    assert (again, numbers) == header_and_numbers(BEFORE / "model.safetensors")


def header_and_numbers(path):
    """What is in a .safetensors; its metadata are in no fixed order."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


# --- Experiments ---

EVERYTHING = fn.Experiment(
    model=fn.sequential(
        fn.Flatten(),
        fn.add(
            fn.Linear(6, weight_init=fn.initializers.he_normal, bias_init=fn.initializers.normal(0.1)),
            fn.Linear(6, bias=False, weight_init=fn.initializers.orthogonal),
        ),
        fn.concatenate(fn.ELU(0.5), fn.sequential(fn.Linear(3), fn.GELU()), fn.Elementwise(np.sin, np.cos)),
        fn.residual(fn.sequential(fn.LeakyReLU(0.1), fn.Dropout(0.5, fn.Key(7).fold_in("own").fold_in(2)))),
        fn.Linear(2),
        fn.LogSoftmax(),
    ),
    loss=fn.SoftmaxCrossEntropy("batch"),
    optimizer=fn.AdamW(
        fn.schedules.warmup(3, fn.schedules.step(0.1, every=5, factor=0.5)), betas=(0.8, 0.99), frozen=("1.*.bias",)
    ),
    batch_size=16,
    epochs=3,
    seed=2**100,
    penalty=fn.L2(1e-3, ("*.bias", "4.*")),
    metrics=(fn.metrics.accuracy, fn.metrics.binary_accuracy(0.25)),
    early_stopping=fn.EarlyStopping("test loss", "min", patience=2, target=-np.inf),
    keep_best=fn.KeepBest("accuracy", "max"),
    evaluate_every=2,
    dtype="float64",
)


def test_an_experiment_is_read():
    assert fn.Experiment.from_json((BEFORE / "experiment.json").read_text()) == EVERYTHING


def test_an_experiment_is_written_as_it_was():
    assert EVERYTHING.to_json() + "\n" == (BEFORE / "experiment.json").read_text()
