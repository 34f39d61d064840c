"""Tests that the judge's named queues and a reader's Celery app can be judged."""

import csv
import threading
from contextlib import closing
from pathlib import Path

import pytest
from support import run_python

from demo_app.judge.checker import check
from demo_app.judge.plan import Plan
from demo_app.judge.runner import run_plan
from demo_app.judge.targets import KNOWN, CannotJudge, target_of


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_each_named_queue_runs_its_jobs_and_has_its_row(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    output = run_python("-m", "demo_app.judge.grade", *KNOWN, "--levels", "2", "--csv", table)
    assert output.returncode == 0, output.stderr
    with table.open(encoding="utf-8") as file:
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
    with closing(target_of("celery:claiming:app")) as target:
        record = run_plan(target, plan := Plan(1), 9.0, threading.Event())
    assert check(plan, record) == ""
    (waiting,) = record.of("look")
    assert [name.partition(":")[0] for name in waiting["keys"]] == [key]


def test_a_celery_app_whose_import_does_not_end_cannot_be_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "endless.py").write_text("import time\ntime.sleep(600)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("demo_app.judge.targets._LOADING", 3.0)
    with pytest.raises(CannotJudge, match="the import does not end"):
        target_of("celery:endless:app")
