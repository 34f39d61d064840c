"""A little program of the learner's, run and killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run_and_kill(program: str, grace: float = 1.0) -> tuple[str, list[str]]:
    """Run the Python program, kill it with SIGKILL right after its first line of output.

    grace: seconds to wait afterwards for work that might go on without it.
    Returns that line, and the names of the files that it left.
    """
    with tempfile.TemporaryDirectory(prefix="demo-child-") as folder:
        child = subprocess.Popen(
            [sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        try:
            assert child.stdout is not None
            said = child.stdout.readline().strip()
        finally:
            child.kill()
            child.communicate()
        time.sleep(grace)  # nothing can be waited for: the point is that nothing comes
        return said, sorted(path.name for path in Path(folder).iterdir())
