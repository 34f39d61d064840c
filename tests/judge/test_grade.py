"""Hand-ins are graded one by one, and each mistake of theirs stays with it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from demo_app.judge.grade import MEMORY, grade

QUEUE = """
class Mine:
    def __init__(self, redis):
        self.redis = redis

    def put(self, job):
        {extra}self.redis.lpush("queue", job)

    def claim(self, worker):
        return self.redis.{pop}("queue")

    def ack(self, worker, job):
        pass
"""
GOOD = QUEUE.format(extra="", pop="rpop")


def _notebook(*cells: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]})


@pytest.mark.timeout(300)
def test_each_hand_in_has_a_row(tmp_path: Path) -> None:
    folder = tmp_path / "handed in"
    folder.mkdir()
    last_in = QUEUE.format(extra="", pop="lpop")
    hog = QUEUE.format(extra=f"bytearray({MEMORY}); ", pop="rpop")
    files = {
        "a good.py": GOOD,
        "b.ipynb": _notebook(GOOD, "%%time\n1", last_in, "judge(Mine, levels=2)"),
        "c.py": "class Mine:\n    pass\n",
        "d.py": "class Mine(:\n",
        "e.py": hog,
        "f.ipynb": "no notebook",
        "notes.txt": "not graded",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    sheet, page = tmp_path / "grades.csv", tmp_path / "grades.md"
    told = subprocess.run(
        [sys.executable, "-m", "demo_app", "judge", "--grade", folder, "--levels", "2",
         "--csv", sheet, "--markdown", page],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert page.read_text() == told.stdout
    rows = {row[0]: row[1:] for row in csv.reader(sheet.read_text().splitlines())}
    assert rows.pop("hand-in") == ["level 2", "held", "told"]
    assert {name: row[:2] for name, row in rows.items()} == {
        "a good.py": ["1", "1"],
        "b.ipynb": ["0", "0"],
        "c.py": ["", "0"],
        "d.py": ["", "0"],
        "e.py": ["0", "0"],
        "f.ipynb": ["", "0"],
    }
    words = {
        "b.ipynb": "run as job-2, job-1",
        "c.py": "no class with put, claim and ack",
        "d.py": "no Python",
        "e.py": "MemoryError",
        "f.ipynb": "can't be read",
    }
    for name, word in words.items():
        assert word in rows[name][2]
    assert "| a good.py | ✓ | 1 |" in told.stdout


def test_a_hand_in_that_never_ends_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "forever.py"
    path.write_text(f"import time\n{GOOD}\ntime.sleep(1000)\n")
    assert grade(path, ["--levels", "2"], 3.0).told == "not done within 3 s"


def test_an_empty_folder_is_no_grade(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "demo_app", "judge", "--grade", tmp_path]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "no notebook, no .py file and no hand-in" in " ".join(told.stderr.split())
