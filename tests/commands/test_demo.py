"""Tests of `demo`: its output, its ledger without losses, and its exit status."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support import most_nightly, run_python, until

from demo_app.commands import main


def test_the_ledger_of_a_demo_with_kills_has_nothing_lost(tmp_path: Path) -> None:
    folder = tmp_path / "[/no markup]"
    words = ("demo", "--comments", "80", "--kills", "2", "--json", "--dir", folder)
    output = run_python("-m", "demo_app", *words)
    ledger = json.loads(output.stdout.splitlines()[-1])
    assert output.returncode == 0
    names = {"comments", "distinct_mails", "lost", "duplicates", "kills", "recovery_s"}
    assert set(ledger) == names
    assert (ledger["comments"], ledger["distinct_mails"], ledger["lost"]) == (80, 80, 0)
    assert ledger["kills"] == 2
    assert len(ledger["recovery_s"]) == 2
    assert all(seconds > 0 for seconds in ledger["recovery_s"]), "each kill interrupted a job"
    assert f"The picture: {folder}/timeline.svg\n" in output.stderr
    assert (folder / "timeline.svg").stat().st_size > 10_000
    assert (folder / "timeline.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.nightly
def test_in_the_terminal_it_tells_of_the_kill_and_the_rescue_and_may_be_drawn_later(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    without = tmp_path_factory.mktemp("without")
    (without / "matplotlib.py").write_text("raise ModuleNotFoundError")
    words = ("demo", "--comments", "40", "--kills", "1")
    output = run_python(
        "-m", "demo_app", *words, cwd=tmp_path, TMPDIR=str(tmp_path), PYTHONPATH=str(without)
    )
    assert output.returncode == 0
    for text in ("SIGKILL to worker pid", "finds it dead", "recovered in", "The ledger"):
        assert text in output.stdout
    assert _left(tmp_path) == ["build/timeline.pickle"], "no folder in TMPDIR is left"
    draw = [sys.executable, "-m", "demo_app.demo.picture", str(tmp_path / "build")]
    subprocess.run(draw, check=True)
    assert _left(tmp_path) == ["build/timeline.png", "build/timeline.svg"]


def _left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))


@pytest.mark.parametrize(
    "how", most_nightly([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], signal.SIGINT)
)
def test_ended_by_a_signal_and_once_more_while_it_cleans_up_it_leaves_no_folder(
    tmp_path: Path, how: signal.Signals
) -> None:
    command = [sys.executable, "-m", "demo_app", "demo"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    outputs = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=env, cwd=tmp_path, **outputs)
    children = psutil.Process(process.pid).children
    until(lambda: len(children()) >= 2, what="the reaper and Redis")
    running = len(children())
    process.send_signal(how)
    until(lambda: len(children()) < running or process.poll() is not None, what="the cleaning up")
    process.send_signal(signal.SIGINT)
    _, output = process.communicate(timeout=30)
    # the second signal may come after the cleanup, when Python has removed its handlers
    assert process.returncode in (130, -signal.SIGINT)
    assert output == b""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.nightly
def test_of_few_comments_it_kills_in_time_or_says_in_a_sentence_that_it_can_not(
    tmp_path: Path,
) -> None:
    words = ("demo", "--comments", "8", "--kills", "1")
    output = run_python("-m", "demo_app", *words, cwd=tmp_path, TMPDIR=str(tmp_path))
    assert "SIGKILL to worker pid" in output.stdout or "more --comments" in output.stdout
    assert "Traceback" not in output.stderr


@pytest.mark.parametrize("arguments", [("--comments", "0"), ("--kills", "-1")])
def test_numbers_that_make_no_sense_are_refused_with_a_sentence(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *arguments]) == 2
    output = capsys.readouterr().err
    assert arguments[0] in output
    assert len(output.splitlines()) == 1
