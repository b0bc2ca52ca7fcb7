"""Runs that are killed, interrupted while they save, or out of disk: the files are whole, and they go on."""

import errno
import os
import shutil
import signal
import stat
from contextlib import nullcontext

import attrs
import pytest

import funcnet as fn
from funcnet.experiments.directory import NAMES
from funcnet.saving import files
from tests.children import python
from tests.experiments.cases import ADAM, HOOK, MOMENTUM, assert_same_run, interrupted, run

SHORT = attrs.evolve(MOMENTUM, epochs=3, keep_best=fn.KeepBest("loss", "min"))
STRAIGHT = run(SHORT)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_20_kills_at_random_moments_lose_nothing():
    done = python("-m", "tests.experiments.kill_and_resume", "--times", 20, "--seed", 1, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n20 kills, " in done.stdout
    assert done.stdout.endswith(" 0 faults\n")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_kills_at_system_calls_lose_nothing():
    done = python("-m", "tests.experiments.kill_at_calls", "--calls", "fsync", "rename", "--step", 7, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("calls: 0 faults\n")


class Failing:
    """os.fsync or os.replace which fails at its call number `at`, and from then on if it `stays` so.

    An fsync that fails leaves a part of what was written since the last, as a write to a full disk does.
    """

    def __init__(self, monkeypatch, name, at, error, stays=False):
        self.real, self.at, self.error, self.stays, self.calls, self.written = os.replace, at, error, stays, 0, {}
        monkeypatch.setattr(os, "fsync", lambda file: None)  # which takes its time
        monkeypatch.setattr(os, name, getattr(self, name))

    @property
    def fails(self):
        self.calls += 1
        return self.calls == self.at or (self.stays and self.calls > self.at)

    def replace(self, *arguments):
        if self.fails:
            raise self.error
        self.real(*arguments)

    def fsync(self, file):
        about = os.fstat(file)
        if self.fails:
            if stat.S_ISREG(about.st_mode):
                is_new = self.written.get(about.st_ino) != about.st_mtime_ns
                os.ftruncate(file, max(about.st_size - 30 * is_new, 0))
            raise self.error
        self.written[about.st_ino] = about.st_mtime_ns


NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.slow
@pytest.mark.parametrize("stays", [False, True], ids=["for a moment", "for good"])
@pytest.mark.parametrize("name", ["fsync", "replace"])
@pytest.mark.parametrize(("error", "every"), [(NO_SPACE, 1), (KeyboardInterrupt(), 2)], ids=["full disk", "Ctrl-C"])
def test_a_run_goes_on_from_a_save_that_failed(error, name, stays, every, tmp_path, monkeypatch):
    for at in range(1, 100):
        folder = tmp_path / str(at)
        with monkeypatch.context() as patch:
            failing = Failing(patch, name, at, error, stays)
            try:
                run(SHORT, folder, checkpoint_every=every)
            except type(error):
                pass
            if failing.calls < at:
                break
        assert set(os.listdir(folder)) <= set(NAMES)  # nothing half written lies about
        epoch = fn.load(folder / "checkpoint.npz")[1].epoch if (folder / "checkpoint.npz").exists() else 0
        assert_same_run(run(SHORT, folder), STRAIGHT)
        assert (folder / "history.jsonl").read_text().count("\n") == 3 >= epoch
    assert at > 6


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    assert interrupted(SHORT, tmp_path, 3)
    before = (tmp_path / "checkpoint.npz").read_bytes()
    with monkeypatch.context() as patch:
        Failing(patch, "replace", 1, NO_SPACE, stays=True)
        with pytest.raises(OSError, match="No space left"):
            run(SHORT, tmp_path)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before
    assert_same_run(run(SHORT, tmp_path), STRAIGHT)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as caught:
        run(SHORT, tmp_path / "file" / "run")
    assert caught.value.filename == str(tmp_path / "file" / "run")

    def denied(path, mode):  # root may write wherever it likes
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))

    monkeypatch.setattr(files, "open", denied, raising=False)
    with pytest.raises(PermissionError, match=r"Permission denied: .*read-only"):
        run(SHORT, tmp_path / "read-only")
    monkeypatch.undo()
    assert_same_run(run(SHORT, tmp_path / "read-only"), STRAIGHT)


def test_what_a_killed_process_was_writing_is_cleared_away(tmp_path):
    interrupted(ADAM, tmp_path, 3)
    for name in NAMES:
        (tmp_path / f".{name}.{2**22 + 1}-0a1b2c3d").write_bytes(b"half of it")
    (tmp_path / "notes.txt").write_text("of the user's own")
    assert_same_run(run(ADAM, tmp_path), run(ADAM))
    assert sorted(os.listdir(tmp_path)) == sorted([*NAMES, "notes.txt"])


@pytest.mark.parametrize("end", [None, KeyboardInterrupt])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_deleted_while_the_run_goes_on_is_written_again(name, end, tmp_path):
    def delete(labels, predictions):
        (tmp_path / name).unlink(missing_ok=len(calls) > 0)
        calls.append(name)
        if end and len(calls) == 6:
            raise end
        return 0.0

    assert interrupted(MOMENTUM, tmp_path, 3)
    HOOK.call, calls = delete, []
    with nullcontext() if end is None else pytest.raises(end):
        run(MOMENTUM, tmp_path)
    HOOK.call = None
    assert fn.read(tmp_path).history["epoch"] == (tuple(range(1, 7)) if end is None else (1, 2, 3, 4))
    assert_same_run(run(MOMENTUM, tmp_path), run(MOMENTUM))
