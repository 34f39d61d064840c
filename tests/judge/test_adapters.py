"""Each queue that the judge knows by name can be judged, and has its column in the table."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from demo_app.judge.levels import LEVELS
from demo_app.judge.targets import NAMES

COMMAND = [sys.executable, "-m", "demo_app", "judge", "--table", "--levels", "2", "--seed", "7"]


@pytest.mark.timeout(600)  # each starts slowly on a busy machine
def test_each_named_queue_runs_its_jobs_and_has_its_column(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    level = f"2. {LEVELS[2].name}"
    page.write_text("before\n<!-- judge -->\nold\n<!-- /judge -->\nafter\n")
    told = subprocess.run(
        [*COMMAND, "--markdown", page], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    head, _, row, sums, back, _, repeat, *reasons = told.stdout.splitlines()
    columns = [cell.strip() for cell in head.split("|")[2:-1]]
    assert [column.split()[0].rstrip(":") for column in columns] == ["this", *NAMES[1:]]
    cells = dict(zip(NAMES, (cell.strip() for cell in row.split("|")[2:-1]), strict=True))
    if cells["procrastinate"] == "no PostgreSQL here":
        del cells["procrastinate"]
    assert cells == dict.fromkeys(cells, "holds")
    assert row.startswith(f"| {level} |")
    assert re.fullmatch(r"\| lost and late, of all jobs( \| 0 and 0 of 6| \| )+ \|", sums)
    assert back.startswith("| a killed worker's job runs again after | ")
    assert f"{date.today().isoformat()}, seed 7" in repeat
    assert "python -m demo_app judge --table --levels 2 --seed 7" in repeat
    assert not "".join(reasons)
    assert told.stderr.count(f" 2 holds  {LEVELS[2].name}") == len(cells), "a line for each"
    assert page.read_text() == (
        f"before\n<!-- judge -->\n\n{told.stdout.strip()}\n\n<!-- /judge -->\nafter\n"
    )


def test_a_readers_own_celery_app_is_judged_with_its_own_settings(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    text = "from celery import Celery\napp = Celery('shop', broker='amqp://nobody/')\n"
    (tmp_path / "shop" / "tasks.py").write_text(text)
    command = [sys.executable, "-m", "demo_app", "judge", "--levels", "2,11", "--seed", "7"]

    def judged(app: str) -> subprocess.CompletedProcess[str]:
        told = subprocess.run(
            [*command, f"celery:{app}"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert not told.stderr
        return told

    told = judged("shop.tasks:app")
    assert told.returncode == 1
    assert f" 2 holds  {LEVELS[2].name}" in told.stdout
    assert f"| 2. {LEVELS[2].name} | holds |" in told.stdout, "its row of the table"
    assert "refused while the server was down" in told.stdout
    missing = judged("shop.no_such:app")
    assert missing.returncode == 2
    assert "The Celery app shop.no_such:app can't be loaded" in missing.stdout


def test_a_file_without_marks_is_never_overwritten(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("mine\n")
    told = subprocess.run(
        [*COMMAND, "--markdown", page], capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert "has no marks" in told.stderr
    assert page.read_text() == "mine\n"
