"""The example programs, and how one is run."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(program, *arguments):
    return subprocess.run(
        [sys.executable, EXAMPLES / program, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
