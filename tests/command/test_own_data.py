"""Data of one's own on the command line: .csv and .npz files, functions of a module; `verify` finds them again."""

import json
import re
import sys

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.experiments.directory import Directory
from tests.experiments.sweep_cases import EXPERIMENT

SMALL = attrs.evolve(EXPERIMENT, epochs=2, batch_size=8)
REGRESSION = attrs.evolve(SMALL, model=fn.Linear(1), loss=fn.MeanSquaredError())
ROWS = "".join(f"{i},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(30))


@pytest.fixture
def points(written):
    """A file of 30 points of two classes."""
    return written(f"a,b,class\n{ROWS}", "points.csv")


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module with this code that can be imported while the test runs."""

    def make(name, code):
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return make


def digests(directory):
    receipt = Directory(directory).receipt()
    return receipt.train, receipt.test


@pytest.mark.parametrize("split", [[], ["--split", 0.8]])
def test_a_csv_file_is_run_and_verified(said, written, points, tmp_path, split, monkeypatch):
    arguments = ["--data", points, "--target", "class", *split, "--out", tmp_path / "runs" / "a"]
    assert said("run", written(SMALL), *arguments)[0] == 0
    dataset = fn.data.read_csv(points, "class")
    train, test = dataset.split(fn.Key(0).fold_in("split"), 0.8, stratify=True) if split else (dataset, None)
    assert digests(tmp_path / "runs" / "a") == (train.digest, test and test.digest)
    monkeypatch.chdir(tmp_path.parent)
    assert said("verify", tmp_path / "runs" / "a")[:2] == (0, f"{tmp_path / 'runs' / 'a'}: identical, 2 epochs\n")
    assert said("check", written(SMALL), *arguments[:4])[0] == 0


def test_a_folder_with_data_and_runs_may_be_moved(said, written, points, tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    points.rename(tmp_path / "project" / "points.csv")
    monkeypatch.chdir(tmp_path / "project")
    assert said("run", written(SMALL), "--data", "points.csv", "--target", "class", "--out", "runs/a")[0] == 0
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project").rename(tmp_path / "moved")
    assert said("verify", "moved/runs/a")[0] == 0


def test_data_that_have_moved_are_named_again(said, refused, written, points, tmp_path):
    said("run", written(SMALL), "--data", points, "--target", "class", "--out", tmp_path / "a")
    moved = points.rename(tmp_path / "moved.csv")
    assert f"error: {points}: No such file, name the data with --data\n" == refused("verify", tmp_path / "a")
    assert said("verify", tmp_path / "a", "--data", moved, "--target", "class")[0] == 0
    (tmp_path / "a" / "data.json").unlink()
    assert "name them as for run, with --data and with --target" in refused("verify", tmp_path / "a")
    for record in ({"other": 1}, {"data": str(moved), "target": "class", "drop": [3]}):
        (tmp_path / "a" / "data.json").write_text(json.dumps(record))
        assert "data.json is damaged" in refused("verify", tmp_path / "a")


def test_a_column_or_a_module_is_not_its_letters(said, written, module, experiment_of, points, tmp_path, monkeypatch):
    path = experiment_of("Alone")
    plain = json.loads(path.read_text()) | {"imports": "module_of_alone"}
    monkeypatch.delitem(sys.modules, "module_of_alone", raising=False)
    path.write_text(json.dumps(plain))
    assert said("run", path, "--data", points, "--target", "class", "--drop", "a", "--out", tmp_path / "a")[0] == 0
    assert json.loads((tmp_path / "a" / "experiment.json").read_text())["imports"] == ["module_of_alone"]
    record = json.loads((tmp_path / "a" / "data.json").read_text())
    (tmp_path / "a" / "data.json").write_text(json.dumps(record | {"drop": "a"}))
    assert said("verify", tmp_path / "a")[0] == 0


def test_test_data_of_their_own_are_in_the_order_of_training_data(said, written, points, tmp_path):
    test = written("b,class,a\n1,yes,2\n3,yes,4\n", "test.csv")
    arguments = ["--data", points, "--target", "class", "--test", test, "--out", tmp_path / "a"]
    assert said("run", written(SMALL), *arguments)[0] == 0
    assert digests(tmp_path / "a")[1] == fn.data.Dataset([[2.0, 1.0], [4.0, 3.0]], [1, 1]).digest
    assert said("verify", tmp_path / "a")[0] == 0


def test_targets_of_a_model_with_one_output_are_a_column(said, written, points):
    assert (
        said("run", written(REGRESSION), "--data", points, "--target", "b", "--drop", "class", "--split", 0.5)[0] == 0
    )


def test_an_npz_file_is_run_and_verified(said, written, tmp_path):
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x[:2], y_test=y[:2])
    assert said("run", written(SMALL), "--data", tmp_path / "a.npz", "--out", tmp_path / "a")[0] == 0
    assert digests(tmp_path / "a") == (fn.data.Dataset(x, y).digest, fn.data.Dataset(x[:2], y[:2]).digest)
    assert said("verify", tmp_path / "a")[0] == 0


SOURCES = """
import funcnet as fn
def one(): return fn.data.xor()
def two(): return fn.data.parity(4).split(fn.Key(0), 0.5)
def arrays(): return tuple(fn.data.xor())
"""


def test_a_function_gives_the_data(said, refused, written, module, tmp_path):
    name, path = module("sources_of_data", SOURCES), written(SMALL)
    for function in ("one", "two"):
        assert said("run", path, "--data", f"{name}:{function}", "--out", tmp_path / function)[0] == 0
        assert said("verify", tmp_path / function)[0] == 0
    assert digests(tmp_path / "one") == (fn.data.xor().digest, None)
    assert said("run", path, "--data", f"{tmp_path / name}.py:two", "--out", tmp_path / "two")[0] == 0
    assert "returned a tuple of ndarray and ndarray: expected a Dataset" in refused(
        "run", path, "--data", f"{name}:arrays"
    )
    assert f"{name} has no function 'nothing'" in refused("run", path, "--data", f"{name}:nothing")
    assert "No module named 'nowhere'" in refused("run", path, "--data", "nowhere:data")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--data", "cifar"],
            "--data cifar: expected digits, mnist, .* a .csv file .* an .npz file, or MODULE:FUNCTION",
        ),
        (["--data", "points.csv"], "points.csv: name the column of the targets with --target COLUMN"),
        (["--data", "points.csv", "--target", "c"], "has no column 'c'; its columns are a, b, class"),
        (["--data", "points.csv", "--target", "a"], "line 2, column 'class': 'no' is not a number"),
        (["--data", "nowhere.csv", "--target", "a"], "nowhere.csv: No such file"),
        (["--data", "points.csv", "--target", "class", "--split", "2"], "fraction must be from 0 to 1"),
        (["--data", "points.csv", "--target", "class", "--split", "0.5", "--test", "points.csv"], "exclude each other"),
        (
            ["--data", "points.csv", "--target", "class", "--test", "both.npz"],
            "--target is for .csv files, not both.npz",
        ),
        (["--data", "one.npz", "--test", "both.npz"], "both.npz has test data of its own: give it as --data"),
        (["--data", "both.npz", "--split", "0.5"], "--split is for data without test data, not both.npz"),
        (["--split", "0.5"], "--split is for data without test data, not digits"),
        (["--data", "xor", "--target", "a"], "--target is for .csv files, not xor"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_a_line(refused, written, points, monkeypatch, options, words):
    monkeypatch.chdir(points.parent)
    arrays = {"x_train": np.ones((4, 2)), "y_train": np.arange(4) % 2}
    np.savez("both.npz", **arrays, x_test=np.ones((1, 2)), y_test=[0])
    np.savez("one.npz", x=arrays["x_train"], y=arrays["y_train"])
    assert re.search(words, refused("run", written(SMALL), *options))


# --- Modules ---

LAYER = """
import attrs, funcnet as fn

@fn.register
@attrs.frozen
class {name}(fn.Layer):
    def forward(self, params, x): return 2 * x, None
    def backward(self, params, cache, dy): return 2 * dy, ()
"""


@pytest.fixture
def experiment_of(module, tmp_path):
    """The path of an experiment with a layer of a module's, which is there but not imported."""

    def make(name):
        module(f"module_of_{name}".lower(), LAYER.format(name=name))
        plain = json.loads(attrs.evolve(SMALL, model=fn.sequential(fn.Tanh(), fn.Linear(2))).to_json())
        plain["model"]["layers"][0] = {"type": name}
        (tmp_path / f"{name}.json").write_text(json.dumps(plain))
        return tmp_path / f"{name}.json"

    return make


@pytest.mark.parametrize(("name", "form"), [("ByName", "{}"), ("ByPath", "{}.py")])
def test_modules_are_recorded_and_imported_again(said, refused, experiment_of, tmp_path, monkeypatch, name, form):
    monkeypatch.chdir(tmp_path)
    path, module = experiment_of(name), f"module_of_{name}".lower()
    arguments = ["run", path, "--data", "xor", "--out", tmp_path / "a", "-i", form.format(module)]
    code, out, _ = said(*arguments)
    assert code == 0
    assert json.loads((tmp_path / "a" / "experiment.json").read_text())["imports"] == [form.format(module)]
    for command in ("verify", "show"):
        monkeypatch.delitem(sys.modules, module)
        assert said(command, tmp_path / "a")[0] == 0
        assert module in sys.modules
    assert said(*arguments[:-1], module)[:2] == (0, out)  # the same run, however the module is given
    (tmp_path / "moved").mkdir()
    (tmp_path / f"{module}.py").rename(tmp_path / "moved" / f"{module}.py")
    monkeypatch.delitem(sys.modules, module)
    assert f"the experiment needs {form.format(module)}, give it with --import MODULE" in refused(
        "verify", tmp_path / "a"
    )
    assert said("verify", tmp_path / "a", "-i", tmp_path / "moved" / f"{module}.py")[0] == 0


def test_a_run_from_before_modules_were_recorded_asks_for_them_and_goes_on(said, refused, experiment_of, tmp_path):
    path = experiment_of("FromBefore")
    assert said("run", path, "--data", "xor", "-i", "module_of_frombefore")[0] == 0
    fn.run(fn.Experiment.from_json(path.read_text()), fn.data.xor(), directory=tmp_path / "a")
    assert said("run", path, "--data", "xor", "--out", tmp_path / "a", "-i", "module_of_frombefore")[0] == 0
    for name in ("experiment", "receipt"):
        file = tmp_path / "a" / f"{name}.json"
        file.write_text(file.read_text().replace("FromBefore", "NotImported"))
    assert "'NotImported' at model.layers[0] is not registered: import the module that registers it" in (
        refused("verify", tmp_path / "a")
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import funcnet\n\nx = undefined\n", ".py, line 3: NameError: name 'undefined' is not defined, so"),
        ("x = (\n", ".py, line 1: '(' was never closed, so"),
        ("import not_there\n", ".py, line 1: ModuleNotFoundError: No module named 'not_there', so"),
        ("import funcnet as fn\nfn.register(3)\n", ".py, line 2: TypeError: expected an attrs class or a function"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".py"])
def test_an_error_in_a_module_has_file_and_line(refused, written, module, tmp_path, monkeypatch, code, words, suffix):
    monkeypatch.chdir(tmp_path)
    name = module("module_with_error", code)
    assert words in refused("run", written(SMALL), "--data", "xor", "-i", name + suffix)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere", "No module named 'nowhere': give the name of a module, or the path of its .py file"),
        ("nowhere.py", "nowhere.py: No such file"),
        (".", "'.' is not a module: give its name"),
        ("", "'' is not a module: give its name"),
        ("json.py", "json.py has the name of another module"),
    ],
)
def test_what_is_no_module_is_refused_in_a_line(refused, written, tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("")
    assert words in refused("run", written(SMALL), "--data", "xor", "-i", name)


def test_the_record_of_a_run_that_was_refused_is_not_that_of_the_next_one(said, written, points, tmp_path):
    wrong = written(attrs.evolve(SMALL, model=fn.Linear(1)), "wrong.json")
    assert said("run", wrong, "--data", points, "--target", "class", "--out", tmp_path / "a")[0] == 2
    assert said("run", written(SMALL), "--data", "xor", "--out", tmp_path / "a")[0] == 0
    assert said("verify", tmp_path / "a")[0] == 0


def test_a_run_that_has_lost_its_checkpoint_is_not_shown_as_one_that_has_not_begun(said, written, tmp_path):
    said("run", written(SMALL), "--data", "xor", "--out", tmp_path / "a")
    (tmp_path / "a" / "checkpoint.npz").unlink()
    code, _, err = said("show", tmp_path / "a")
    assert (code, err) == (2, f"error: {tmp_path / 'a'} has a receipt of 2 epochs, but no checkpoint.npz\n")


def test_a_recorded_file_is_found_from_any_folder(said, experiment_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, module = experiment_of("FromAnywhere"), "module_of_fromanywhere"
    assert said("run", path, "--data", "xor", "--out", "runs/a", "-i", f"{module}.py")[0] == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for command in ("verify", "show"):
        monkeypatch.delitem(sys.modules, module)
        assert said(command, "../runs/a")[0] == 0
