"""Tests that each file of a folder is judged in its own process, and has one row."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from judge.broken import MINE
from support import run_python, until

from demo_app.judge.grade import judge_target

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
OURS = MINE.replace("class Mine", "class MyQueue")
GOOD = OURS.format(pop="rpop")
#: Each file: its source, its mark for level 2, and a part of the judge's finding.
FILES = {
    "=good.py": (f"{GOOD}\n\nfrom lab.queue_backend import backend_of\n\n"
                 "make = backend_of(MyQueue)\n", "✓", ""),
    "newest/first.py": (OURS.format(pop="lpop"), "✗", "level 2: Enqueued as job-1, job-2; run as"),
    "raises.py": (f"{GOOD}\nraise ValueError('=1+1')\n", "", "can't be loaded: ValueError"),
}  # fmt: skip


@pytest.mark.timeout(300)
def test_each_file_has_a_row_in_the_table_and_in_the_csv_file(tmp_path: Path) -> None:
    folder, table = tmp_path / "handed in", tmp_path / "grades.csv"
    (folder / "newest").mkdir(parents=True)
    (folder / "notes.txt").write_text("not judged")
    (folder / "redis.py").mkdir()
    for name, (text, _, _) in FILES.items():
        (folder / name).write_text(text)
    # the options and the PYTHONPATH are those of `make grade`
    grade = ("-P", "-m", "demo_app.judge.grade", folder, "--levels", "2", "--csv", table)
    output = run_python(*grade, cwd=folder, PYTHONPATH=str(NOTEBOOKS))
    assert (output.returncode, output.stderr) == (0, "")
    rows = {row["target"]: row for row in csv.DictReader(table.read_text().splitlines())}
    assert {*rows} == {name.replace("=", "'=") for name in FILES}, "no cell is a formula"
    for name, (_, mark, why) in FILES.items():
        row = rows[name.replace("=", "'=")]
        assert row["2"] == mark, row
        assert why in row["why"]
    assert output.stdout.splitlines()[:2] == [
        f"| target | {' | '.join(map(str, range(1, 13)))} | why |",
        f"|{' --- |' * 14}",
    ]
    assert len(output.stdout.splitlines()) == 2 + len(FILES)


def test_a_csv_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    output = run_python("-m", "demo_app.judge.grade", "nothing", "--csv", tmp_path)
    assert "Could not open file" in output.stderr
    assert "Traceback" not in output.stderr


def test_a_file_that_never_ends_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "forever.py"
    path.write_text(f"import time\n{GOOD}\ntime.sleep(1000)\n")
    assert judge_target(f"{path}:MyQueue", "2", 3.0)[-1] == "not done within 3 s"


def test_a_judge_that_crashes_has_a_row_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    crash = [sys.executable, "-c", "raise OSError('no space left')"]
    monkeypatch.setattr("demo_app.judge.grade._JUDGE", crash)
    assert judge_target("any.py:MyQueue", "2", 60.0)[-1] == "OSError: no space left"


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_file_whose_judge_is_killed_has_no_row_and_nothing_is_left_running(
    tmp_path: Path, interrupted: bool
) -> None:
    loaded = tmp_path / "loaded"
    hangs = f"import time\n{GOOD}\nopen({str(loaded)!r}, 'w')\ntime.sleep(1000)\n"
    (tmp_path / "mine.py").write_text(hangs)
    command = [sys.executable, "-P", "-m", "demo_app.judge.grade", tmp_path]
    grading = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    until(loaded.exists, 60.0, "a host with the file")
    judge, *others = psutil.Process(grading.pid).children(recursive=True)
    if interrupted:
        os.killpg(grading.pid, signal.SIGINT)
    else:
        judge.kill()
    out, _ = grading.communicate(timeout=60.0)
    assert (grading.returncode != 0) is interrupted
    assert len(out.splitlines()) == 2, "the head of the table"
    _, alive = psutil.wait_procs([judge, *others], 30.0)
    assert not alive
