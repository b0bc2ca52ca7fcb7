"""Child processes of tests heed Ctrl-C even where pytest does not, and are killed when their time is over."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.children import child, finished, python

TESTS = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither SIGINT for one process nor sessions")


@pytest.fixture
def ignoring_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.SIG_IGN


@pytest.mark.usefixtures("ignoring_ctrl_c")
def test_a_child_heeds_ctrl_c_where_pytest_ignores_it():
    with child([sys.executable, "-c", "print('begun', flush=True); import time; time.sleep(60)"]) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=30)[1]


def test_a_child_whose_time_is_over_is_killed_with_its_children():
    begin = "from subprocess import Popen; print(Popen(['sleep', '60']).pid, flush=True)"
    with pytest.raises(subprocess.TimeoutExpired) as late:
        python("-c", begin, timeout=2)
    grandchild = int(late.value.output)
    end = time.monotonic() + 30
    while _is_running(grandchild):
        assert time.monotonic() < end
        time.sleep(0.01)


def _is_running(pid):
    """Whether there is a process of that id: the system's first one collects those whose parents have ended."""
    shown = finished(["ps", "-o", "stat=", "-p", pid]).stdout
    return bool(shown.strip()) and not shown.startswith("Z")


def test_children_are_started_in_one_place():
    starts = re.compile(r"subprocess\.(?:run|Popen|call|check_\w+)\(")
    places = [path for path in TESTS.rglob("*.py") if starts.search(path.read_text(encoding="utf-8"))]
    assert places == [TESTS / "children.py"]
