"""Tests that an interrupted test run leaves nothing running."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support import gone, most_nightly, until

ROOT = Path(__file__).parents[1]
#: Signals, each with the number of xdist processes that run the tests.
QUICK = ((signal.SIGINT, "0"), (signal.SIGKILL, "1"))
HANGS = """
import subprocess

def test_that_hangs():
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    with open("pid.new", "w") as file:
        file.write(str(child.pid))
    import os
    os.rename("pid.new", "pid")
    child.wait()
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("number", "processes"), most_nightly([(signal.SIGTERM, "0"), *QUICK], *QUICK)
)
def test_a_run_that_is_ended_by_a_signal_leaves_nothing_running(
    tmp_path: Path, number: signal.Signals, processes: str
) -> None:
    """Start the run with SIGINT ignored, as in the background of a shell without job control."""
    (tmp_path / "test_it.py").write_text(HANGS)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT)])}
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-n", processes, "test_it.py"]
    shell, silent = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"], subprocess.DEVNULL
    run = subprocess.Popen(
        [*shell, *command],
        cwd=tmp_path, env=environment, stdout=silent, stderr=silent, start_new_session=True,
    )  # fmt: skip
    until((tmp_path / "pid").exists, what="the test's child")
    child = int((tmp_path / "pid").read_text())
    others = [process.pid for process in psutil.Process(run.pid).children(recursive=True)]
    run.send_signal(number)
    run.wait()
    until(lambda: gone(child, *others), what="the end of all that the run has started")
