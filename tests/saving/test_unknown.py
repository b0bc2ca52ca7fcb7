"""Files that name what is not known here, as a class that was renamed: they say what and where, and give the arrays."""

import zipfile

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.experiments.directory import Directory
from funcnet.saving.description import digest_of
from funcnet.values import UnregisteredError
from tests.saving.test_checkpoint import MODEL, PARAMS, entries, redescribe

SUFFIXES = pytest.mark.parametrize("suffix", ["npz", "safetensors"])


@fn.register(name="today's params", aliases=["yesterday's params"])
@fn.tree.node
class TodaysParams:
    scale: np.ndarray
    count: int = fn.tree.static(default=0)


@fn.register(name="today's layer", aliases=["yesterday's layer"])
@attrs.frozen
class TodaysLayer(fn.Layer):
    start: float = 1.0


LAYER, OWN = TodaysLayer(2.0), (TodaysParams(np.ones((2, 2)), 7), PARAMS[0])
ZEROS = (TodaysParams(np.zeros((2, 2)), 0), fn.tree.zeros_like(PARAMS[0]))


def saved(path, model, params, *changes):
    """The file as it were with each `old` text in its description replaced by the `new` one."""
    fn.save(path, model, params)
    if path.suffix == ".safetensors":
        pytest.importorskip("safetensors")
        from safetensors import numpy, safe_open

        with safe_open(path, framework="np") as file:
            text = replaced(file.metadata()["funcnet"], changes)
            arrays = {name: file.get_tensor(name).copy() for name in file.keys()}  # noqa: SIM118
        numpy.save_file(arrays, path, {"funcnet": text, "funcnet.sha256": digest_of(text)})
    else:
        contents = entries(path)
        redescribe(contents, replaced(contents["funcnet.json"].decode(), changes))
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in contents.items():
                archive.writestr(name, data)
    return path


def replaced(text, changes):
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


@SUFFIXES
def test_a_class_and_a_node_that_were_renamed_are_read(tmp_path, suffix):
    path = saved(tmp_path / f"old.{suffix}", LAYER, OWN, ("today's", "yesterday's"))
    assert fn.load(path) == fn.load(path, like=ZEROS) == (LAYER, OWN)


MODELS = {
    "a class": (("today's layer", "tomorrow's layer"), 'class "tomorrow\'s layer" at model is not registered'),
    "a field": (('"start"', '"begin"'), "today's layer at model has no field 'begin': its fields are start"),
    "a value": (('"start": 2.0', '"start": {"type": "new"}'), "class 'new' at model.start is not registered"),
}
NODES = {
    "a node": (
        ("today's params", "tomorrow's params"),
        'class "tomorrow\'s params" at 0 of the tree is not registered',
    ),
    "a field of a node": (
        ('"count": {\n     "value": 7\n    }', '"tally": {\n     "value": 7\n    }'),
        "today's params at 0 of the tree has the fields scale, count, and in the file scale, tally: a different",
    ),
    "a value in a node": (('"value": 7', '"value": {"type": "new"}'), "class 'new' at 0.count is not registered"),
}


@SUFFIXES
@pytest.mark.parametrize(("change", "message"), [*MODELS.values(), *NODES.values()], ids=[*MODELS, *NODES])
def test_what_is_unknown_is_named_with_its_place(tmp_path, suffix, change, message):
    path = saved(tmp_path / f"new.{suffix}", LAYER, OWN, change)
    with pytest.raises(fn.CheckpointError) as caught:
        fn.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert str(caught.value).endswith("to read only the arrays, give load a tree like them by like=")


@SUFFIXES
@pytest.mark.parametrize(("change", "message"), MODELS.values(), ids=MODELS)
def test_the_arrays_of_an_unknown_model_are_read_all_the_same(tmp_path, suffix, change, message):
    path = saved(tmp_path / f"new.{suffix}", LAYER, OWN, change)
    with pytest.warns(UserWarning, match=message) as caught:
        assert fn.load(path, like=ZEROS) == (None, OWN)
    assert caught[0].filename == __file__
    assert str(caught[0].message).startswith(f"{path}: only the arrays are read, by `like`: ")


@SUFFIXES
@pytest.mark.parametrize("name", NODES)
def test_the_arrays_of_an_unknown_node_are_read_all_the_same(tmp_path, suffix, name):
    change, message = NODES[name]
    path = saved(tmp_path / f"new.{suffix}", LAYER, OWN, change)
    with pytest.warns(UserWarning, match=message):
        model, params = fn.load(path, like=ZEROS)
    assert model == LAYER
    assert fn.tree.equal(fn.tree.leaves(params)[0], OWN[0].scale)
    assert params[1] == OWN[1]
    assert params[0].count == (7 if name == "a node" else 0)  # the file has it, or `like`


def test_arrays_that_the_tree_does_not_have_are_still_an_error(tmp_path):
    path = saved(tmp_path / "new.npz", LAYER, OWN, ("today's params", "tomorrow's params"))
    with pytest.raises(fn.CheckpointError, match=r"tomorrow's params.*; tree and arrays do not match: .*0\.scale"):
        fn.load(path, like=(PARAMS[0], PARAMS[0]))


def test_damage_is_not_forgiven_for_what_is_unknown(tmp_path):
    path = saved(tmp_path / "new.npz", LAYER, OWN, MODELS["a class"][0], ('"sha256": "', '"sha256": "0'))
    with pytest.raises(fn.CheckpointError, match=r"0\.scale: its bytes differ"):
        fn.load(path, like=ZEROS)


RUN = {
    "experiment.json": lambda directory: directory.experiment(),
    "receipt.json": lambda directory: directory.receipt(),
    "checkpoint.npz": lambda directory: directory.checkpoint(),
}


@pytest.mark.parametrize("name", RUN)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"n_out"', '"groups": 2, "n_out"', r"Linear at .*model.* has no field 'groups'"),
        ('"ReLU"', '"Rectifier"', r"class 'Rectifier' at .*model.*layers\[1\] is not registered"),
    ],
)
def test_the_files_of_a_run_say_it_too(tmp_path, name, old, new, message):
    experiment = fn.Experiment(MODEL, fn.SoftmaxCrossEntropy(), fn.SGD(0.1), batch_size=4, epochs=1)
    fn.run(experiment, fn.data.parity(4), directory=tmp_path)
    path = tmp_path / name
    if path.suffix == ".npz":
        saved(path, *fn.load(path), (old, new))
    else:
        path.write_text(path.read_text().replace(old, new))
    with pytest.raises((fn.CheckpointError, UnregisteredError), match=message) as caught:
        RUN[name](Directory(tmp_path))
    assert str(path) in str(caught.value)
    assert "damaged" not in str(caught.value)
