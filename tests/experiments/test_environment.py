"""The facts of a machine: texts, all there, known or not; and the number of BLAS's threads, given and given back."""

import os
import subprocess
import sys

import numpy as np
import pytest
import threadpoolctl

import funcnet as fn
from funcnet.experiments import environment
from funcnet.experiments.environment import UNKNOWN, blas_threads, facts
from tests.children import finished

NAMES = [
    *("Python", "system", "processor", "SIMD", "NumPy", "BLAS", "BLAS kernel", "BLAS threads", "funcnet"),
    "funcnet's commit",
]


@pytest.fixture(autouse=True)
def _no_cached_commit():
    environment._commit.cache_clear()
    yield
    environment._commit.cache_clear()


def git_of(answers):
    """A git that answers, or raises what it is given."""

    def git(folder, command, *arguments):
        answer = answers[command]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return git


def test_facts_are_texts_and_all_there():
    found = facts()
    assert list(found) == NAMES
    assert all(type(value) is str and value and "\n" not in value for value in found.values())


def test_facts_are_those_of_this_process():
    found = facts()
    assert found["NumPy"] == np.__version__
    assert found["funcnet"] == fn.__version__
    assert found["Python"].endswith(" {}.{}.{}".format(*sys.version_info))
    assert found["BLAS threads"].replace(", ", "").isdecimal()


def test_facts_stay_the_same():
    assert facts() == facts()


def test_without_threadpoolctl_what_is_unknown_says_why(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    found = facts()
    assert list(found) == NAMES
    assert found["BLAS kernel"] == found["BLAS threads"] == UNKNOWN
    assert "threadpoolctl" in UNKNOWN
    assert found["BLAS"]


def test_without_any_blas_that_is_known_facts_are_texts_still(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setattr(np, "show_config", lambda mode: {})
    assert all(type(value) is str for value in facts().values())
    assert facts()["BLAS"] == "unknown"


@pytest.mark.parametrize(
    ("status", "commit"), [("", "0123abcd"), (" M layer.py", "0123abcd+"), ("?? new.py", "0123abcd+")]
)
def test_a_commit_with_changes_has_a_plus(status, commit, monkeypatch):
    monkeypatch.setattr(environment, "_git", git_of({"ls-files": "", "status": status, "rev-parse": "0123abcd"}))
    assert facts()["funcnet's commit"] == commit


@pytest.mark.parametrize("command", ["ls-files", "status", "rev-parse"])
@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("git"),
        PermissionError("git"),
        subprocess.CalledProcessError(128, "git"),
        subprocess.TimeoutExpired("git", 10),
    ],
)
def test_without_a_commit_it_is_none(command, error, monkeypatch):
    answers = {"ls-files": "", "status": "", "rev-parse": "0123abcd", command: error}
    monkeypatch.setattr(environment, "_git", git_of(answers))
    assert facts()["funcnet's commit"] == "none"


def test_a_source_that_is_in_no_repository_of_its_own_has_no_commit(tmp_path):
    # An installed package may lie inside a repository that does not track it.
    assert finished(["git", "init", "-q", tmp_path]).returncode == 0
    (tmp_path / "__init__.py").touch()
    with pytest.raises(subprocess.CalledProcessError):
        environment._git(tmp_path, "ls-files", "--error-unmatch", "__init__.py")


def test_a_processor_without_linuxs_file_has_a_name_still(monkeypatch):
    def refuse(path, *arguments, **options):
        raise PermissionError(path)

    monkeypatch.setattr(environment.Path, "read_text", refuse)
    assert environment._processor().endswith(")")
    monkeypatch.setattr(environment.Path, "read_text", lambda path: "flags: none\n")
    assert environment._processor().endswith(")")


@pytest.mark.parametrize("folder", ["/site-packages/numpy.libs", "/usr/lib"])
def test_scipys_blas_is_not_numpys(folder, monkeypatch):
    common = {"internal_api": "openblas", "architecture": "Zen"}
    pools = [
        {
            "user_api": "blas",
            "filepath": "/site-packages/scipy.libs/blas.so",
            "version": "1",
            "num_threads": 8,
            **common,
        },
        {"user_api": "blas", "filepath": f"{folder}/blas.so", "version": "2", "num_threads": 4, **common},
        {"user_api": "openmp", "filepath": "/usr/lib/gomp.so", "version": "3", "num_threads": 2, **common},
    ]
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: pools)
    assert [facts()[name] for name in ("BLAS", "BLAS kernel", "BLAS threads")] == ["openblas 2", "Zen", "4"]


def test_blas_has_so_many_threads_inside_and_as_many_as_before_afterwards():
    with blas_threads(2):
        with blas_threads(1):
            assert facts()["BLAS threads"] == "1"
        with blas_threads(None):
            assert facts()["BLAS threads"] == "2"
        with pytest.raises(LookupError), blas_threads(1):
            raise LookupError
        assert facts()["BLAS threads"] == "2"


def test_limits_need_threadpoolctl(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with blas_threads(None):
        pass
    with pytest.raises(fn.MissingExtraError, match=r"threadpoolctl is not installed: .*funcnet\[experiments\]"):
        blas_threads(1)


def test_a_run_records_the_facts_with_or_without_threadpoolctl(monkeypatch):
    experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=1)
    first = fn.run(experiment, fn.data.parity(3))
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    second = fn.run(experiment, fn.data.parity(3))
    assert [
        dict(facts)["BLAS threads"] == UNKNOWN for run in (first, second) for _, facts in run.receipt.environments
    ] == [
        False,
        True,
    ]
    assert (first, first.receipt.digest) == (second, second.receipt.digest)


def test_the_repository_is_only_read(tmp_path):
    (tmp_path / "__init__.py").touch()
    for command in ("init -q", "add __init__.py"):
        assert finished(["git", "-C", tmp_path, *command.split()]).returncode == 0
    before = (tmp_path / ".git" / "index").read_bytes()
    os.utime(tmp_path / "__init__.py", (1, 1))  # so that `git status` would refresh its index
    assert environment._git(tmp_path, "status", "--porcelain") == "A  __init__.py"
    assert (tmp_path / ".git" / "index").read_bytes() == before
