"""Only regular files are opened: nothing waits, nothing is endless, and no link leads out of a run's folder."""

import os
import socket
from pathlib import Path

import pytest

import funcnet as fn
from funcnet.saving.files import replacing
from funcnet.saving.opening import opening
from tests.experiments.cases import MOMENTUM, STATISTICS, TEST, TRAIN, assert_same_run, interrupted, run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the files of this test are those of Unix")
FILES = ["experiment.json", "history.jsonl", "checkpoint.npz", "receipt.json"]


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


OTHERS = {"a pipe": os.mkfifo, "a device": lambda path: path.symlink_to("/dev/zero"), "a socket": a_socket}


@pytest.mark.parametrize("mode", ["rb", "ab"])
@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_what_is_not_a_regular_file_is_refused_and_not_waited_for(tmp_path, make, mode, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    make(Path("there"))
    with pytest.raises(OSError, match="a device, a pipe or a socket: expected a regular file: 'there'"):
        opening(Path("there"), mode, links=True)
    with pytest.raises(OSError, match="there"):
        fn.load("there")


def test_a_folder_is_the_systems_error(tmp_path):
    with pytest.raises(IsADirectoryError):
        opening(tmp_path, links=True)


def test_a_link_of_the_users_own_is_followed(tmp_path):
    (tmp_path / "there").write_bytes(b"read")
    (tmp_path / "here").symlink_to("there")
    with opening(tmp_path / "here", links=True) as file:
        assert file.read() == b"read"


@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_a_link_in_the_folder_of_a_run_is_refused_with_what_to_do(tmp_path, target):
    (tmp_path / "there").write_bytes(b"kept")
    (tmp_path / "here").symlink_to(target)
    for use in (
        lambda: opening(tmp_path / "here", links=False),
        lambda: opening(tmp_path / "here", "ab", links=False),
        lambda: replacing(tmp_path / "here", links=False).__enter__(),
    ):
        with pytest.raises(OSError, match=r"is not followed: put a copy of the file in its place: .*here"):
            use()
    assert (tmp_path / "there").read_bytes() == b"kept"
    assert sorted(os.listdir(tmp_path)) == ["here", "there"]


def test_appending_makes_the_file(tmp_path):
    for _ in range(2):
        with opening(tmp_path / "made", "ab", links=False) as file:
            file.write(b"row\n")
    assert (tmp_path / "made").read_bytes() == b"row\nrow\n"


# --- In the folder of a run ---


@pytest.fixture(params=[True, False], ids=["ended", "stopped"])
def folder(request, tmp_path):
    if request.param:
        run(MOMENTUM, tmp_path / "run")
    else:
        assert interrupted(MOMENTUM, tmp_path / "run", 3)
    return tmp_path / "run"


@pytest.mark.parametrize("name", FILES)
def test_a_link_in_a_run_is_refused_by_all_who_read_it_and_its_target_stays(name, folder):
    victim = folder.with_name("victim")
    victim.write_bytes((folder / name).read_bytes())
    before = victim.read_bytes()
    (folder / name).unlink()
    (folder / name).symlink_to(victim)
    for use in (run, lambda *_: fn.read(folder), lambda *_: fn.verify(folder, TRAIN, TEST)):
        with pytest.raises(OSError, match=rf"a link in the folder of a run is not followed.*{name}"):
            use(MOMENTUM, folder)
    assert victim.read_bytes() == before


@pytest.mark.parametrize("name", FILES)
def test_a_pipe_in_a_run_is_refused_by_all_who_read_it(name, folder):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    for use in (run, lambda *_: fn.read(folder), lambda *_: fn.verify(folder, TRAIN, TEST)):
        with pytest.raises(OSError, match=rf"expected a regular file: .*{name}"):
            use(MOMENTUM, folder)


@pytest.mark.parametrize("name", [*FILES, "initial.npz"])
def test_a_link_that_leads_nowhere_is_not_written_through(name, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).symlink_to(tmp_path / "new")
    given = STATISTICS.model.init(fn.Key(5), TRAIN.input_shape, "float32")
    with pytest.raises((OSError, fn.ExperimentError), match=r"a link|no experiment\.json"):
        run(STATISTICS, tmp_path / "run", params=given)
    assert not (tmp_path / "new").exists()


def test_the_folder_of_a_run_may_be_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "here").symlink_to("there")
    assert run(MOMENTUM, tmp_path / "here") == fn.read(tmp_path / "there")


def test_files_with_a_second_name_elsewhere_are_replaced_and_not_written_into(tmp_path):
    assert interrupted(MOMENTUM, tmp_path / "run", 3)
    for name in FILES:
        os.link(tmp_path / "run" / name, tmp_path / name)
    before = [(tmp_path / name).read_bytes() for name in FILES]
    assert_same_run(run(MOMENTUM, tmp_path / "run"), run(MOMENTUM))
    assert [(tmp_path / name).read_bytes() for name in FILES] == before
