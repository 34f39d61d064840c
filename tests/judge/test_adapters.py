"""Each queue that the judge knows by name can be judged, and has its column in the table."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from support import run_python

from demo_app.judge.judge import Judge
from demo_app.judge.levels import LEVELS
from demo_app.judge.targets import KNOWN, target_of

COMMAND = ("-m", "demo_app", "judge", "--levels", "2", "--seed", "7")


@pytest.mark.nightly
@pytest.mark.timeout(600)  # each starts slowly on a busy machine
def test_each_named_queue_runs_its_jobs_and_has_its_row(tmp_path: Path) -> None:
    sheet = tmp_path / "table.csv"
    told = run_python("-m", "demo_app.judge.grade", *KNOWN, "--levels", "2", "--csv", sheet)
    assert told.returncode == 0, told.stderr
    with sheet.open(encoding="utf-8") as file:
        rows = {row["target"]: row for row in csv.DictReader(file)}
    assert [*rows] == [*KNOWN] == ["claims", "celery", "celery-tutorial", "rq", "huey", "dramatiq"]
    for name, row in rows.items():
        assert (row["2"], row["why"]) == ("✓", ""), name


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("broker", "key"), [("claims+redis", "job"), ("redis", "judged")])
def test_a_readers_own_celery_app_keeps_its_transport(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broker: str, key: str
) -> None:
    text = (
        "from celery import Celery\nimport demo_app.broker\n"
        f"app = Celery('claiming', broker='{broker}://nobody.example:1/3')\n"
    )
    (tmp_path / "claiming.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    with Judge(target_of("celery:claiming:app"), seconds=0.0) as judge:
        (verdict,) = judge.judge([2])
    assert verdict.held, verdict.why
    for trial in verdict.trials:
        (waiting,) = trial.record.of("look")
        assert [name.partition(":")[0] for name in waiting["keys"]] == [key]


@pytest.mark.thorough
def test_a_readers_own_celery_app_is_judged_with_its_own_settings(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    text = "from celery import Celery\napp = Celery('shop', broker='amqp://nobody/')\n"
    (tmp_path / "shop" / "tasks.py").write_text(text)
    told = run_python(*COMMAND, "celery:shop.tasks:app", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert f" 2 holds  {LEVELS[2].name}" in told.stdout
    missing = run_python(*COMMAND, "celery:shop.no_such:app", cwd=tmp_path)
    assert (missing.returncode, missing.stderr) == (2, "")
    assert "The Celery app shop.no_such:app can't be loaded" in missing.stdout
