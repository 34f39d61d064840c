"""`demo`: the story is told, nothing is lost, and the exit status says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def _demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "demo_app", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


def test_the_ledger_of_a_demo_with_kills_has_nothing_lost(tmp_path: Path) -> None:
    told = _demo("--comments", "80", "--kills", "2", "--json", "--dir", str(tmp_path))
    ledger = json.loads(told.stdout.splitlines()[-1])
    assert told.returncode == 0
    assert set(ledger) == {
        "comments",
        "distinct_mails",
        "lost",
        "duplicates",
        "kills",
        "recovery_s",
    }
    assert (ledger["comments"], ledger["distinct_mails"], ledger["lost"]) == (80, 80, 0)
    assert ledger["kills"] == 2
    assert len(ledger["recovery_s"]) == 2
    assert all(seconds > 0 for seconds in ledger["recovery_s"]), "each kill interrupted a job"
    assert (tmp_path / "timeline.svg").stat().st_size > 10_000
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")


def test_in_the_terminal_it_tells_of_the_kill_and_the_rescue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the picture is left for whoever ran it
    told = _demo("--comments", "40", "--kills", "1")
    assert told.returncode == 0
    for words in ("SIGKILL to worker pid", "finds it dead", "recovered in", "The ledger"):
        assert words in told.stdout


@pytest.mark.parametrize("arguments", [("--comments", "0"), ("--kills", "-1")])
def test_numbers_that_make_no_sense_are_refused_with_a_sentence(arguments: tuple[str, ...]) -> None:
    told = _demo(*arguments)
    assert told.returncode == 1
    assert "at least one comment" in told.stderr
