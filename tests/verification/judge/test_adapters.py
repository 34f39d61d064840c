"""Each queue that the judge knows by name can be judged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from demo_app.verification.judge.judge import Judge, Verdict
from demo_app.verification.judge.levels import LEVELS
from demo_app.verification.judge.table import markdown
from demo_app.verification.judge.target import CannotJudge
from demo_app.verification.judge.targets import NAMES, target_of


def _judged(name: str) -> Verdict | None:
    try:
        target = target_of(name)
    except CannotJudge as error:
        if str(error) == "There is no PostgreSQL here.":
            return None
        raise
    with Judge(target, at_once=1) as judge:
        (verdict,) = judge.judge([2])
    return verdict


@pytest.mark.timeout(400)  # each starts slowly on a busy machine
def test_each_named_queue_runs_its_jobs_and_has_its_column() -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(NAMES, pool.map(_judged, NAMES), strict=True))
    found = {name: verdict for name, verdict in answers.items() if verdict}
    assert {*NAMES} - {*found} <= {"procrastinate"}
    assert {name: verdict.why for name, verdict in found.items()} == dict.fromkeys(found, "")
    head, _, first, *_ = markdown({n: [v] * len(LEVELS) for n, v in found.items()}, 7).splitlines()
    assert "| this project | celery " in head
    assert first == f"| 1. {LEVELS[1].name} | " + " | ".join(["holds"] * len(found)) + " |"
