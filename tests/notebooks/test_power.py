"""A power failure takes what the disk does not have, and a lesson says when it can't show that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from programs import COMPILER, needs

from lab import power

PROGRAM = """
import os, sys
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
other = os.open(sys.argv[1] + ".other", os.O_WRONLY | os.O_CREAT)
os.write(log, b"12345"); os.write(other, b"123"); os.fsync(log); os.fsync(other)
os.write(log, b"678"); os.fdatasync(log); os.write(log, b"9")
"""
_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="sees what Linux writes")


@_LINUX
def test_each_write_and_each_fsync_of_a_log_is_written_down(tmp_path: Path) -> None:
    needs(COMPILER)
    notes, log = tmp_path / "notes", tmp_path / "appendonly.incr.aof"
    environment = {"LD_PRELOAD": str(power._library(tmp_path)), "SYNCED_LOG": str(notes)}
    subprocess.run([sys.executable, "-c", PROGRAM, log], env=os.environ | environment, check=True)
    lines = [line.split() for line in notes.read_text().splitlines()]
    assert [(what, int(size)) for what, _, size in lines] == [
        ("w", 5), ("s", 5), ("w", 8), ("s", 8), ("w", 9),
    ]  # fmt: skip


@_LINUX
def test_what_was_answered_since_the_last_fsync_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    needs(COMPILER)
    (failure,) = power.power_failures("everysec")
    assert not failure.recorded
    assert 0 < failure.lost < failure.answered
    assert capsys.readouterr().out == ""


def test_a_machine_without_a_compiler_shows_a_recorded_run_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    always, everysec = power.power_failures("always", "everysec")
    assert "recorded on another machine" in capsys.readouterr().out
    assert always.lost == 0 < everysec.lost
    assert power.power_picture([always, everysec]).words.startswith("Recorded on another machine.")


def test_both_panels_are_as_high_as_the_longer_log(monkeypatch: pytest.MonkeyPatch) -> None:
    short = power.Failure("always", 1, 1, [(0.0, 0), (1.0, 30_000)], [(1.0, 30_000)])
    long = power.Failure("everysec", 9, 5, [(0.0, 0), (1.0, 300_000)], [(0.5, 90_000)])
    drawn: list[Figure] = []
    monkeypatch.setattr(power.Picture, "of", lambda figure, words: drawn.append(figure))
    power.power_picture([short, long])
    assert all(axes.get_ylim()[1] >= 300 for axes in drawn[0].axes)
