"""A path that begins with "~" is in the home folder, wherever the library takes one."""

import numpy as np
import pytest

import funcnet as fn
from funcnet.command import main

EXPERIMENT = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=2)
XOR = fn.data.xor()


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    yield tmp_path / "home"
    assert not list((tmp_path / "elsewhere").iterdir())


def test_of_runs(home):
    made = fn.run(EXPERIMENT, XOR, directory="~/run")
    assert (home / "run" / "receipt.json").exists()
    assert fn.read("~/run") == made
    assert fn.verify("~/run", XOR)


def test_of_files(home):
    fn.save("~/model.npz", fn.ReLU(), ())
    assert fn.load("~/model.npz") == (fn.ReLU(), ())
    np.savez(home / "data.npz", x=XOR.x, y=XOR.y)
    assert fn.data.read_npz("~/data.npz")[0].digest == XOR.digest
    (home / "data.csv").write_text("a,b\n1,x\n2,y\n")
    assert fn.data.read_csv("~/data.csv", "b").class_names == ("x", "y")


def test_of_the_command_line(home, capsys):
    (home / "experiment.json").write_text(EXPERIMENT.to_json())
    np.savez(home / "data.npz", x=XOR.x, y=XOR.y)
    assert main(["run", "~/experiment.json", "--out", "~/run", "--data", "~/data.npz"]) == 0
    assert main(["verify", "~/run"]) == main(["show", "~/run"]) == 0
    assert "identical" in capsys.readouterr().out


def test_of_mnist(home):
    (home / "mnist").mkdir()
    with pytest.raises(FileNotFoundError, match=str(home / "mnist")):
        fn.data.mnist("~/mnist")
