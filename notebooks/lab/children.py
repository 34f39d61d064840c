"""A small program of the learner's, run and killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run_and_kill(program: str, grace: float = 1.0) -> tuple[str, list[str]]:
    """Run the Python program and SIGKILL it right after its first line of output.

    grace: seconds to wait afterwards, for work that might go on without it.
    Returns that line, and the names of the files that the program left.
    """
    with tempfile.TemporaryDirectory(prefix="demo-child-") as folder:
        child = subprocess.Popen(
            [sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        try:
            assert child.stdout is not None
            line = child.stdout.readline().strip()
        finally:
            child.kill()
            child.communicate()
        time.sleep(grace)  # there is no event to wait for: the point is that nothing happens
        return line, sorted(path.name for path in Path(folder).iterdir())
