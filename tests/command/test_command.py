"""The command line: what it prints, its exit codes, and one line for each wrong use."""

import importlib
import json
import re
import sys

import attrs
import pytest

import funcnet as fn
from funcnet.experiments.directory import Directory
from tests.children import python
from tests.experiments.sweep_cases import (
    ADAM,
    EXPERIMENT,
    LAYERS,
    WRONG,
    WRONG_GRADIENTS,
    change_environment,
    change_rows,
)

SMALL = attrs.evolve(EXPERIMENT, epochs=2, batch_size=100)


@pytest.fixture
def with_layer(tmp_path, monkeypatch):
    """A module of one's own that registers a layer, and the experiment that has it."""

    def make(name, module):
        (tmp_path / f"{module}.py").write_text(LAYERS.format(name=name))
        plain = json.loads(attrs.evolve(SMALL, model=fn.sequential(fn.Linear(3), fn.Tanh(), fn.Linear(2))).to_json())
        plain["model"]["layers"][1] = {"type": name}
        (tmp_path / f"{module}.json").write_text(json.dumps(plain))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, module, raising=False)
        importlib.invalidate_caches()
        return tmp_path / f"{module}.json"

    return make


def test_help_names_the_commands_and_the_exit_codes(said):
    code, out, _ = said("--help")
    assert code == 0
    assert all(
        re.search(rf"^ +{name} ", out, flags=re.MULTILINE) for name in ("run", "verify", "show", "check", "laws")
    )
    assert "Exit codes: 0, 1" in out


@pytest.mark.parametrize("name", ["run", "verify", "show", "check", "laws"])
def test_the_help_of_a_command_has_an_example(said, name):
    code, out, _ = said(name, "--help")
    assert (code, f"Example: python -m funcnet {name} " in " ".join(out.split())) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [[], ["walk"], ["run"], ["verify"], ["run", "x", "--data", "cifar"], ["check", "x", "--examples", "few"]],
)
def test_a_wrong_use_of_options_exits_with_2(said, arguments):
    code, out, err = said(*arguments)
    assert (code, out) == (2, "")
    assert "error: " in err.splitlines()[-1]


def test_run_prints_the_history_and_the_receipt(said, written, tmp_path):
    code, out, err = said("run", written(SMALL), "--data", "parity", "--out", tmp_path / "a")
    run = fn.run(SMALL, *fn.data.builtin.builtin("parity"))
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split()[:4] == ["epoch", "step", "learning_rate", "loss"]
    assert [line.split()[0] for line in out.splitlines()[1:-1]] == ["1", "2"]
    assert out.splitlines()[-1] == f"receipt {run.receipt.digest}, in {tmp_path / 'a'}"
    assert Directory(tmp_path / "a").receipt() == run.receipt
    again = said("run", written(SMALL), "--data", "parity", "--out", tmp_path / "a", "--checkpoint-every", 7)
    assert again == (0, out, "")


def test_run_without_a_folder_writes_nothing(said, written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = written(SMALL)
    assert said("run", path, "--data", "xor")[0] == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_long_history_is_shortened(said, written):
    _, out, _ = said("run", written(attrs.evolve(SMALL, epochs=30)), "--data", "xor")
    assert [line.split()[0] for line in out.splitlines()[1:-1]] == [*"123456", "...", *map(str, range(25, 31))]


def test_no_epochs_have_no_history(said, written):
    _, out, _ = said("run", written(attrs.evolve(SMALL, epochs=0)), "--data", "xor")
    assert out.startswith("no epoch has a row in the history\nreceipt ")


@pytest.mark.slow
@pytest.mark.parametrize("data", ["xor", "parity", "digits"])
def test_verify_recognizes_the_data(said, written, tmp_path, data):
    said("run", written(attrs.evolve(SMALL, model=fn.Linear(10))), "--data", data, "--out", tmp_path / "a")
    for arguments in ([], ["--data", data]):
        assert said("verify", tmp_path / "a", *arguments) == (0, f"{tmp_path / 'a'}: identical, 2 epochs\n", "")


def test_verify_of_what_differs_prints_the_table_and_exits_with_1(said, written, tmp_path):
    said("run", written(SMALL), "--data", "xor", "--out", tmp_path / "a")
    change_rows(tmp_path / "a", lambda rows: [rows[0], {**rows[1], "loss": 7.0}])
    change_environment(tmp_path / "a", NumPy="1.0")
    code, out, err = said("verify", tmp_path / "a")
    assert (code, err) == (1, "")
    assert "differs from epoch 2 on" in out.splitlines()[0]
    assert [line.split()[:2] for line in out.splitlines()[2:]] == [["loss", "7.0"], ["NumPy", "1.0"]]


def test_verify_of_other_data_is_a_wrong_use(refused, tmp_path, monkeypatch):
    monkeypatch.delenv("FUNCNET_DATA", raising=False)
    fn.run(SMALL, fn.data.parity(3), directory=tmp_path / "a")
    assert "on data that are not built in" in refused("verify", tmp_path / "a")
    assert "different data: the digest of train" in refused("verify", tmp_path / "a", "--data", "xor")


def test_show_prints_all_that_is_there(said, written, tmp_path):
    said("run", written(SMALL), "--data", "xor", "--out", tmp_path / "a")
    code, out, err = said("show", tmp_path / "a")
    assert (code, err) == (0, "")
    receipt = Directory(tmp_path / "a").receipt()
    for part in (
        repr(SMALL),
        "0.weight",
        "(2, 8)",
        "float32",
        "test loss" if receipt.test else "loss",
        "2 of 2 epochs",
    ):
        assert part in out
    assert f"receipt {receipt.digest}" in out
    assert all(
        re.search(rf"^{name} +{re.escape(fact)}$", out, re.MULTILINE) for name, fact in receipt.environments[0][1]
    )


def test_show_of_a_run_that_has_not_ended(said, written, tmp_path):
    diverging = attrs.evolve(SMALL, model=fn.sequential(fn.Linear(8), fn.Linear(2)), optimizer=fn.SGD(1e30))
    code, _, err = said("run", written(diverging), "--data", "xor", "--out", tmp_path / "a")
    assert code == 1
    assert re.fullmatch(r"(funcnet: )?error: the loss is nan .*a lower learning rate may help\n", err)
    _, out, _ = said("show", tmp_path / "a")
    assert "the run has not ended" in out
    assert said("verify", tmp_path / "a")[0] == 0


def test_check_of_a_right_gradient(said, written):
    code, out, _ = said("check", written(attrs.evolve(SMALL, penalty=fn.L2(0.1))), "--data", "parity", "--examples", 3)
    assert (code, out.splitlines()[-1]) == (0, "right on 3 examples, by the method exact")
    assert said("check", written(attrs.evolve(SMALL, model=fn.Linear(10))))[1].endswith(
        "right on 5 examples, by the method exact\n"
    )


def test_layers_of_ones_own_are_imported_for_every_command(said, refused, with_layer, tmp_path):
    path = with_layer("CommandSquare", "layers_right")
    assert "class 'CommandSquare' at model.layers[1] is not registered" in refused("run", path, "--data", "xor")
    wanted = ["--import", "layers_right"]
    assert said("run", path, "--data", "xor", "--out", tmp_path / "a", *wanted)[0] == 0
    assert [said(name, tmp_path / "a", *wanted)[0] for name in ("show", "verify")] == [0, 0]
    assert said("check", path, "--data", "xor", *wanted)[0] == 0


@pytest.mark.parametrize("wrong", WRONG_GRADIENTS.values(), ids=WRONG_GRADIENTS)
def test_check_of_a_wrong_gradient_exits_with_1(said, written, wrong):
    code, out, err = said("check", written(wrong), "--data", "xor")
    assert (code, err, out.splitlines()[-1].startswith("wrong on 4 examples")) == (1, "", True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '"x"', "3", "1e999", "NaN", "[" * 100_000, '{"type": "Linear"}'])
@pytest.mark.parametrize("name", ["run", "check"])
def test_what_is_not_an_experiment_is_refused(refused, written, name, text):
    assert "experiment.json" in refused(name, written(text), "--data", "xor")


@pytest.mark.parametrize("field", WRONG)
def test_a_field_of_a_wrong_type_is_refused(refused, written, field):
    text = json.dumps({**json.loads(SMALL.to_json()), field: WRONG[field]})
    assert "experiment.json" in refused("run", written(text), "--data", "xor")


def test_a_model_that_does_not_fit_into_memory_is_refused(said, written):
    code, _, err = said("run", written(attrs.evolve(SMALL, model=fn.Linear(10**13))), "--data", "xor")
    assert code in (1, 2)
    assert len(err.splitlines()) == 1


def test_files_that_are_not_there_or_no_files_are_refused(refused, written, tmp_path):
    path = written(SMALL)
    assert "nowhere: No such file" in refused("run", "nowhere")
    assert "Is a directory" in refused("check", tmp_path)
    assert "File exists" in refused("run", path, "--data", "xor", "--out", path)
    assert "Not a directory" in refused("verify", path)
    for name in ("show", "verify"):
        assert "nowhere" in refused(name, tmp_path / "nowhere")
        assert "No such file" in refused(name, tmp_path)
    path.write_bytes(bytes(range(256)))
    assert "can't decode" in refused("run", path)
    assert "No module named 'nowhere'" in refused("run", path, "--import", "nowhere")
    assert "has no train-images" in refused("run", written(SMALL), "--data", "mnist", "--data-dir", tmp_path)


def test_the_folder_of_a_different_experiment_is_refused(said, refused, written, tmp_path):
    said("run", written(SMALL), "--data", "xor", "--out", tmp_path / "a")
    other = written(attrs.evolve(SMALL, optimizer=ADAM))
    assert "a different experiment: optimizer is SGD(" in refused(
        "run", other, "--data", "xor", "--out", tmp_path / "a"
    )
    assert "different data" in refused("run", written(SMALL), "--data", "parity", "--out", tmp_path / "a")


@pytest.mark.parametrize("arguments", [["check", "--examples"], ["run", "--checkpoint-every"]])
@pytest.mark.parametrize("number", [0, -1])
def test_a_number_below_1_is_refused(refused, written, arguments, number):
    assert "at least 1" in refused(arguments[0], written(SMALL), arguments[1], number, "--data", "xor")


def test_it_is_a_program(tmp_path):
    done = python("-m", "funcnet", "verify", tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
