"""What it takes to read a file: a child reads it, so that its memory can be measured, beside what it held before."""

from pathlib import Path

import pytest

from tests.children import python

on_linux = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the most memory that a process held at once"
)
READING = """
import sys, time
import numpy as np
from funcnet.errors import CheckpointError, ExperimentError
from funcnet.values import UnregisteredError
from funcnet.public import {use} as use
taken = int(open("/proc/self/statm").read().split()[1]) * 4096
open("/proc/self/clear_refs", "w").write("5")
began = time.process_time()
try:
    told = str(use(sys.argv[1]))
except (CheckpointError, ExperimentError, UnregisteredError) as error:
    told = str(error)
seconds = time.process_time() - began
most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, int(most.split()[1]) * 1024 - taken, len(told), ascii(told[:300]))
"""


def assert_cheap(use, path, size):
    """`use`, a function of funcnet, takes a second and four times the `size`; returns the result or error, as text."""
    done = python("-c", READING.format(use=use), path)
    assert done.returncode == 0, done.stderr
    seconds, memory, letters, told = done.stdout.split(maxsplit=3)
    assert float(seconds) < 1.5, f"{seconds}: {told}"  # 1 on a machine that is not busy
    assert int(memory) / size < 4.3, f"{int(memory) / size}: {told}"
    assert int(letters) < 30_000
    return told
