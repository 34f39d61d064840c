"""Tests of a killed supervisor: its processes end, and the next start still has every comment."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from support import gone, next_line, pids_of, until, up_running

from demo_app.stack import Stack
from demo_app.stack.client import Client


@contextmanager
def _up(folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    with up_running("--dir", str(folder)) as process:
        yield process, next_line(process)


def _lose_nothing(folder: Path, comments: int) -> None:
    with Stack(dir=folder) as stack, Client(stack.ready) as client:
        client.wait_for_mails(comments)
        assert client.wait_for(lambda now: now["done"] == comments)["conserved"]


def test_a_sigkill_of_the_supervisor_leaves_no_process_and_loses_no_comment(tmp_path: Path) -> None:
    with _up(tmp_path) as (supervisor, ready), Client(ready) as client:
        client.set_faults({"at": "data", "do": "hang"})
        for _ in range(6):
            client.comment()
        client.wait_for(lambda now: now["running"] == 4)
        supervisor.kill()
        until(lambda: gone(*pids_of(ready)), what="the reaper's work")
    _lose_nothing(tmp_path, 6)


@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux' /proc")
def test_the_next_start_ends_the_processes_that_a_killed_reaper_left(tmp_path: Path) -> None:
    with _up(tmp_path) as (supervisor, ready), Client(ready) as client:
        for _ in range(3):
            client.comment()
        os.kill(ready["pids"]["redis"][0], signal.SIGSTOP)  # a stopped Redis reacts only to SIGKILL
        [reaper] = [
            child
            for child in psutil.Process(supervisor.pid).children()
            if any(word.endswith("reaper.py") for word in child.cmdline())
        ]
        reaper.kill()
        supervisor.kill()
        supervisor.wait()
        left = pids_of(ready)
        assert not gone(*left)
        _lose_nothing(tmp_path, 3)
        until(lambda: gone(*left), what="the end of what was left")
