"""Locks: a forked process gets none that is held, and the lock of a folder goes with its run, however that ends."""

import errno
import multiprocessing
import os
import signal
from contextlib import nullcontext

import attrs
import pytest

import funcnet as fn
from tests.children import python
from tests.experiments.cases import HOOK, MOMENTUM, assert_same_run, run

fcntl = pytest.importorskip("fcntl")
SHORT = attrs.evolve(MOMENTUM, epochs=2)
FORKING = """
import os, threading, time
import funcnet as fn
from funcnet.experiments import environment
from funcnet.values import sources

held = threading.Event()

def hold(lock):
    with lock:
        held.set()
        time.sleep(0.5)

for lock in (environment._LOCK, sources.__globals__["_LOCK"]):
    held.clear()
    threading.Thread(target=hold, args=(lock,)).start()
    held.wait()
    child = os.fork()
    if child == 0:
        ended = lock.acquire(timeout=20)
        os._exit(0 if ended else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, lock
    with lock:
        pass
print("free")
"""
SWEEPING = """
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import funcnet as fn
from tests.experiments.sweep_cases import EIGHT, TRAIN

def sweep():
    while not over.is_set():
        list(fn.sweep(EIGHT[:2], TRAIN))

over = threading.Event()
other = threading.Thread(target=sweep)
other.start()
for _ in range(8):
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        assert all(run.error is None for _, run in fn.sweep(EIGHT[:3], TRAIN, executor=pool))
over.set()
other.join()
print("ended")
"""


def test_what_a_killed_process_left_in_a_folder_is_swept_and_what_one_is_writing_stays(tmp_path):
    writing, left = (
        tmp_path / f".receipt.json.{2**22 + each}-abcdef12" for each in (1, 2)
    )  # no process has the numbers
    left.touch()
    with open(writing, "xb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        run(SHORT, tmp_path)
        assert [path.name for path in tmp_path.glob(".*")] == [writing.name]


def test_a_lock_that_a_thread_holds_is_free_in_a_forked_process():
    done = python("-c", FORKING, timeout=60)
    assert (done.stdout, done.returncode) == ("free\n", 0), done.stderr


@pytest.mark.slow
def test_a_sweep_on_forked_processes_ends_while_another_thread_sweeps():
    done = python("-W", "ignore", "-c", SWEEPING, timeout=120)
    assert (done.stdout, done.returncode) == ("ended\n", 0), done.stderr


# --- The lock of a folder ---


@pytest.fixture
def hook():
    yield HOOK
    HOOK.call = None


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_run_ends_where_folders_cannot_be_locked(number, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert_same_run(run(SHORT, tmp_path), run(SHORT))
    assert fn.read(tmp_path) == run(SHORT)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, None])
def test_a_process_that_was_forked_while_a_run_went_on_does_not_keep_its_folder(error, tmp_path, hook):
    children = []

    def call(*_):
        if not children:
            children.append(multiprocessing.get_context("fork").Process(target=signal.pause))
            children[0].start()
            if error is not None:
                raise error
        return 0.0

    hook.call = call
    with nullcontext() if error is None else pytest.raises(error):
        run(SHORT, tmp_path)
    try:
        assert children[0].is_alive()
        assert_same_run(run(SHORT, tmp_path), run(SHORT))
    finally:
        children[0].terminate()
        children[0].join()
