"""What a queue costs is counted from what its trials wrote down, and is no part of the verdict."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from judge.broken import solution

from demo_app.commands import main
from demo_app.judge.costs import costs
from demo_app.judge.judge import Outcome, Verdict
from demo_app.judge.levels import LEVELS
from demo_app.judge.plan import Act, Fault, Plan
from demo_app.judge.record import Record

KILLED = Fault("run:begin", Act.KILL)


def _figures(*trials: tuple[Plan, list[dict[str, Any]]]) -> list[float | None]:
    outcomes = [Outcome(plan, Record(events), "") for plan, events in trials]
    return [*costs([Verdict(LEVELS[one.plan.level], [one], "") for one in outcomes]).values()]


def test_the_time_to_come_back_is_that_of_level_6() -> None:
    events = [
        {"at": 1.0, "who": "p1", "event": "put", "job": "job-1"},
        {"at": 2.0, "who": "w1", "event": "begin", "job": "job-1"},
        {"at": 3.0, "who": "judge", "event": "act", "act": Act.KILL, "to": "w1"},
        {"at": 5.5, "who": "w2", "event": "begin", "job": "job-1"},
    ]
    assert _figures((Plan(6, faults=(KILLED,)), events))[1] == 2.5
    assert _figures((Plan(5, faults=(KILLED,)), events))[1] is None


@pytest.mark.timeout(300)
def test_the_command_prints_them_after_the_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["judge", f"{solution(4)}:MyQueue", "--levels", "2"]) == 0
    out = capsys.readouterr().out
    found = re.search(r"(\d+\.\d) commands a job", out)
    assert found
    assert float(found[1]) == pytest.approx(2.0, abs=0.2), "LPUSH and RPOP"
    assert "– seconds until a killed worker's job runs again" in out
    main(["judge", f"{solution(4)}:MyQueue", "--levels", "4"])
    assert "costs" not in capsys.readouterr().out
