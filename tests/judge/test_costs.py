"""What a queue costs is counted from what its trials wrote down, and is no part of the verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judge.broken import solution

from demo_app.commands import main
from demo_app.judge.costs import Cost, costs
from demo_app.judge.judge import Outcome, Verdict
from demo_app.judge.levels import LEVELS
from demo_app.judge.plan import Act, Fault, Plan
from demo_app.judge.record import Record

BUSY = Plan(2, tuple(f"job-{number}" for number in range(100)))
KILLED = Fault("run:begin", Act.KILL)


def _events(puts: int = 100, *, put: float = 2.0, on: float = 6.0) -> list[dict[str, Any]]:
    """Of a queue that sends two commands in a put and three from one job to the next; others in the
    trial have sent five."""
    told: list[tuple[float, str, str, dict[str, Any]]] = []
    for number in range(puts):
        at, job = 20.0 * number, {"job": f"job-{number}"}
        told += [(at, "p1", "putting", job), (at + put, "p1", "put", job)]
        told += [(at + 3, "p1", "pushes", {}), (at + 5, "p1", "pushed", {})]
    told.append((20.0 * puts, "p1", "measured", {"sent": 3 * puts}))
    at, sent = 20.0 * puts + 1, 3 * puts + 5
    for number in range(puts):
        job = {"job": f"job-{number}"}
        told.append((at, "w1", "begin", {**job, "sent": sent + 3 * number}))
        told.append((at + 1, "w1", "end", {**job, "message_id": "x"}))
        at += 1 + on
    return [{"at": at, "who": who, "event": event, **more} for at, who, event, more in told]


def _costs(*trials: tuple[Plan, list[dict[str, Any]]]) -> list[Cost]:
    outcomes = [Outcome(plan, Record(events), "") for plan, events in trials]
    verdicts = [Verdict(LEVELS[one.plan.level], [one], "") for one in outcomes]
    return costs(verdicts)


def _figures(*trials: tuple[Plan, list[dict[str, Any]]]) -> list[float | None]:
    return [cost.figure for cost in _costs(*trials)]


def test_commands_are_those_of_a_put_and_of_a_worker_from_job_to_job() -> None:
    commands, back, share = _figures((BUSY, _events()))
    assert commands == pytest.approx(5.0)
    assert back is None, "no level asked for it"
    assert share == pytest.approx(2.0 / (2.0 + 6.0))


def test_one_slow_moment_changes_nothing() -> None:
    events = [{**e, "at": e["at"] + 500 * (e["at"] > 1000)} for e in _events()]
    assert _figures((BUSY, events)) == _figures((BUSY, _events()))


def test_only_trials_of_many_jobs_without_a_fault_say_what_a_job_costs() -> None:
    few, broken = replace(BUSY, jobs=BUSY.jobs[:5]), replace(BUSY, faults=(KILLED,))
    assert _figures((few, _events()), (broken, _events())) == [None, None, None]


def test_what_no_cable_shows_is_not_asked() -> None:
    events = [{**e, "sent": 100 if e["event"] == "measured" else 0} for e in _events()]
    assert _figures((BUSY, events))[0] is None, "only the bare commands passed it"
    elsewhere = [e for e in _events() if not e["event"].startswith(("pushe", "measured"))]
    assert _figures((BUSY, elsewhere)) == [None, None, None], "its server is not Redis"


def test_a_lamp_is_lit_by_few_commands_and_by_many_jobs_a_second() -> None:
    lit = [cost.lit for cost in _costs((BUSY, _events(put=1.0, on=2.0)))]
    assert lit == [False, False, True]
    events = [
        {**e, "sent": e.get("sent", 0) // (1 + 2 * (e["event"] == "begin"))}
        for e in _events(on=20.0)
    ]
    assert [cost.lit for cost in _costs((BUSY, events))] == [True, False, False]


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
def test_the_command_prints_them_after_the_levels_and_in_its_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["judge", f"{solution(4)}:MyQueue", "--levels", "2", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out.splitlines()[-1])["costs"]
    assert found["commands_a_job"] == pytest.approx(2.0, abs=0.2), "LPUSH and RPOP"
    assert 0.0 < found["beside_lpush"] < 2.0
    assert found["back_s"] is None
    assert f"{found['commands_a_job']:.1f} commands a job" in err
    assert "– seconds until a killed worker's job runs again" in err


def test_what_was_not_asked_is_not_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["judge", f"{solution(4)}:MyQueue", "--levels", "4"])
    assert "costs" not in capsys.readouterr().out
