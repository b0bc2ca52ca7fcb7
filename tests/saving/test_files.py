"""Files that are replaced whole: on any file system, by any clock, by a long name, and after processes were killed."""

import errno
import fcntl
import os
import shutil
import signal
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

import funcnet as fn
from funcnet.saving.npz import NPZ
from tests.children import child, finished
from tests.saving.test_checkpoint import MODEL, PARAMS

SUFFIXES = pytest.mark.parametrize("suffix", ["npz", "safetensors"])


# --- A folder that cannot be flushed ---


def fails_for_folders(monkeypatch, name, number):
    """`os.open` or `os.fsync` fails for every folder with this error."""
    real = getattr(os, name)

    def failing(what, *arguments):
        if os.path.isdir(what if isinstance(what, str | Path) else f"/proc/self/fd/{what}"):
            raise OSError(number, os.strerror(number))
        return real(what, *arguments)

    monkeypatch.setattr(os, name, failing)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADF, errno.EACCES, errno.ENOSYS], ids=errno.errorcode.get)
@pytest.mark.parametrize("name", ["open", "fsync"])
def test_a_folder_that_cannot_be_flushed_is_forgiven(tmp_path, monkeypatch, name, number):
    fails_for_folders(monkeypatch, name, number)
    fn.save(tmp_path / "m.npz", MODEL, PARAMS)
    monkeypatch.undo()
    assert fn.load(tmp_path / "m.npz") == (MODEL, PARAMS)


@pytest.mark.parametrize("name", ["open", "fsync"])
def test_a_disk_that_fails_is_not_forgiven(tmp_path, monkeypatch, name):
    fails_for_folders(monkeypatch, name, errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        fn.save(tmp_path / "m.npz", MODEL, PARAMS)


# --- Clocks, and bytes that come back ---


@SUFFIXES
@pytest.mark.parametrize("seconds", [0, 4_500_000_000, 10**11], ids=["1970", "2112", "5138"])
def test_any_clock_gives_the_same_bytes(tmp_path, monkeypatch, suffix, seconds):
    fn.save(tmp_path / f"a.{suffix}", MODEL, PARAMS)
    monkeypatch.setattr("time.time", lambda: seconds)
    fn.save(tmp_path / f"b.{suffix}", MODEL, PARAMS)
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


# --- Names and modes ---


@pytest.mark.parametrize(
    "name", [f"{'m' * 251}.npz", f"{'é' * 125}.npz", "[m]*?.npz"], ids=["long", "not ASCII", "glob"]
)
def test_any_name_that_a_file_may_have_can_be_saved(tmp_path, name):
    fn.save(tmp_path / name, MODEL, PARAMS)
    assert fn.load(tmp_path / name) == (MODEL, PARAMS)
    assert os.listdir(tmp_path) == [name]


def test_a_read_only_file_is_not_replaced(tmp_path):
    path = tmp_path / "m.npz"
    fn.save(path, MODEL, PARAMS)
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=r"The file is read-only: make it writable.*m\.npz'$"):
        fn.save(path, MODEL, fn.tree.zeros_like(PARAMS))
    assert fn.load(path) == (MODEL, PARAMS)
    assert os.listdir(tmp_path) == ["m.npz"]


ON_A_READ_ONLY_DISK = """
mount -t tmpfs tmpfs "$1" && touch "$1/there.npz" && mount -o remount,ro "$1" || exit 77
for name in there new; do
    "$2" -c "import sys, funcnet as fn; fn.save(sys.argv[1], None, ())" "$1/$name.npz"
done
"""


@pytest.mark.slow
def test_a_read_only_disk_is_told_as_such(tmp_path):
    if (unshare := shutil.which("unshare")) is None:
        pytest.skip("it takes unshare to mount a disk")
    command = [unshare, "--map-root-user", "--mount", "sh", "-c", ON_A_READ_ONLY_DISK, "sh", tmp_path, sys.executable]
    said = finished(command)
    if said.returncode == 77 or "unshare" in said.stderr:
        pytest.skip("a disk cannot be mounted here")
    for name in ("there", "new"):
        assert f"OSError: [Errno 30] Read-only file system: '{tmp_path}/{name}.npz'" in said.stderr


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "m.npz", tmp_path / "none" / "m.npz", tmp_path / f"{'m' * 300}.npz"):
        with pytest.raises(OSError, match=r"Not a dir|No such|too long") as caught:
            fn.save(path, MODEL, PARAMS)
        assert caught.value.filename == str(path)


# --- What killed processes left ---

WRITING = """
import sys, time
from pathlib import Path
from funcnet.saving.files import replacing
path = Path(sys.argv[1])
with replacing(path) as file:
    print("writing", flush=True)
    while not path.with_suffix(".go").exists():
        time.sleep(0.01)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.npz"


@pytest.fixture
def writer(path):
    """A process that is writing the file."""
    with child([sys.executable, "-c", WRITING, path]) as process:
        assert process.stdout.readline() == "writing\n"
        yield process


def test_what_a_killed_process_left_is_swept(path, writer):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert len(os.listdir(path.parent)) == 1
    fn.save(path, MODEL, PARAMS)
    assert os.listdir(path.parent) == [path.name]


def test_what_a_process_is_writing_stays(path, writer):
    fn.save(path, MODEL, PARAMS)
    assert len(os.listdir(path.parent)) == 2
    path.with_suffix(".go").touch()
    assert writer.wait(10) == 0
    assert sorted(os.listdir(path.parent)) == ["m.go", "m.npz"]


def test_what_another_machine_is_writing_stays(path):
    theirs, left = (path.with_name(f".m.npz.{2**22 + each}-abcdef12") for each in (1, 2))  # no process has the numbers
    left.touch()
    with open(theirs, "xb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        fn.save(path, MODEL, PARAMS)
    assert sorted(os.listdir(path.parent)) == [theirs.name, path.name]


@pytest.mark.parametrize("name", [".m.npz.0abc-abcdef12", f".m.npz.{10**30}-abcdef12", ".other.npz.9-abcdef12"])
def test_a_file_that_only_looks_like_an_unfinished_one_stays(path, name):
    path.with_name(name).touch()
    fn.save(path, MODEL, PARAMS)
    assert sorted(os.listdir(path.parent)) == sorted([name, path.name])


# --- Ctrl-C between any two lines of `zipfile` ---


def interrupting(lines):
    """A trace function that interrupts, as Ctrl-C does, when so many lines that write an archive have run."""
    left = iter(range(lines))

    def trace(frame, event, arg):
        name, caller = frame.f_code.co_name, frame.f_back.f_code.co_name
        if frame.f_code.co_filename != zipfile.__file__ or "__init__" in name or "__del__" in (name, caller):
            return None
        if event == "line" and next(left, None) is None:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    return trace


@pytest.mark.slow
def test_an_interrupted_archive_raises_nothing_but_the_interruption():
    traced, file, lines = sys.gettrace(), None, 0
    while file is None:
        try:
            sys.settrace(interrupting(lines))
            file = written()
        except KeyboardInterrupt:
            lines += 1
        finally:
            sys.settrace(traced)
    assert lines > 100
    assert file == written()


def written():
    file = BytesIO()
    NPZ.write(file, "{}", PARAMS)
    return file.getvalue()
