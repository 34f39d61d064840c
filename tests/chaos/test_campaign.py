"""Tests of the fault campaign: the promise holds, and breaks if one safeguard is left out."""

import json
import secrets
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from support import until
from typer import BadParameter

from chaos import __main__ as main
from chaos import quiescence, strike
from chaos.campaign import run
from chaos.context import Context, Fault, FaultType, MailRules
from chaos.plan import Plan
from chaos.system import System
from demo_app.settings import Safeguard, Transport
from demo_app.stack.client import Client


@pytest.fixture(autouse=True)
def _find_chaos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let other Python processes find the package `chaos`."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


def _kinds_of_lines(history: Path) -> set[str]:
    return {json.loads(line)["what"] for line in history.read_text().splitlines()}


@pytest.mark.thorough
@pytest.mark.timeout(400)
def test_a_dozen_faults_cost_no_mail_and_show_none_twice(tmp_path: Path) -> None:
    seed, history = secrets.randbelow(1_000_000), tmp_path / "history.jsonl"
    print(f"seed {seed}")
    result = run(Plan(12, seconds=150.0, seed=seed, history=history), print)
    assert result.held, result
    assert result.ledger.arrived == result.ledger.comments
    assert len(result.by_kind) >= 4, result.by_kind
    assert _kinds_of_lines(history) >= {"posts", "sent", "accepted", "fault", "queue", "seen"}


#: For each safeguard, the promise that breaks without it.
_BROKEN = {
    **dict.fromkeys(Safeguard, "lost"),
    Safeguard.LEASE: "stale",
    Safeguard.DEDUPE: "seen twice",
}


@pytest.mark.nightly
@pytest.mark.timeout(200)
@pytest.mark.parametrize("safeguard", Safeguard)
def test_without_a_safeguard_the_campaign_finds_what_it_is_there_for(safeguard: Safeguard) -> None:
    plan = Plan(2, without=frozenset([safeguard]), aimed=True, patience=5.0)
    assert _BROKEN[safeguard] in run(plan, print).broken


@pytest.mark.thorough
def test_a_campaign_that_is_stopped_leaves_its_history(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    command = [sys.executable, "-m", "chaos", "--history", str(history)]
    with subprocess.Popen(command, start_new_session=True) as campaign:
        try:
            until(lambda: history.exists() and '"accepted"' in history.read_text(), 60.0)
        finally:
            campaign.send_signal(signal.SIGINT)
            campaign.wait(60)
    assert _kinds_of_lines(history) >= {"posts", "sent", "accepted", "queue"}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"stock_only": True, "without": [Safeguard.OUTBOX]}, "Stock Celery has no safeguards"),
        ({"aimed": True}, "--without"),
        ({"only": "earthquake"}, "no fault with 'earthquake'"),
    ],
)
def test_options_that_make_no_sense_are_explained(options: dict[str, Any], error: str) -> None:
    with pytest.raises(BadParameter, match=error):
        main.chaos(**options)


@pytest.fixture
def never_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    monkeypatch.setattr(strike, "LONGEST", 0.2)
    with closing(System(tmp_path, Transport.CLAIMS, frozenset())) as system:
        yield system


def _strike(system: System, plan: Plan) -> None:
    nowhere = "http://127.0.0.1:1"
    rules = MailRules({"token": "", "web": nowhere, "inbox": nowhere, "redis": ""})
    strike.strike(plan, system, rules, [], print)


def test_a_stack_that_accepts_nothing_ends_the_campaign(
    never_started: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strike, "SILENCE", 0.5)
    with pytest.raises(strike.StackIsDead, match="no comment was accepted"):
        _strike(never_started, Plan(faults=1, seconds=30.0, only="mail 451", pace=0.1))


def test_an_unexpected_error_of_an_injector_ends_the_campaign(
    never_started: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inject(_: Context) -> list[Fault]:
        raise LookupError("a mistake in the injector")

    monkeypatch.setattr(Plan, "kinds", (FaultType("with a mistake", 1, inject),))
    with pytest.raises(LookupError, match="a mistake in the injector") as found:
        _strike(never_started, Plan(faults=1, seconds=10.0, pace=0.1))
    assert found.value.__notes__ == ["raised by the injector 'with a mistake'"]


def test_a_job_that_is_retried_for_ever_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiescence, "LONGEST", 0.2)
    with closing(sqlite3.connect(tmp_path / "blog.sqlite3")) as db, db:
        db.execute("CREATE TABLE comments (id, job_id, created_at)")
        db.execute("INSERT INTO comments VALUES (1, 'job-7', 0)")
    states = ("queued", "running", "retrying", "scheduled", "dead", "done")
    client = create_autospec(Client, instance=True)
    client.mail_stats.return_value = {"distinct": 0}
    client.summary.return_value = {**dict.fromkeys(states, 0), "retrying": 1}
    client.jobs.side_effect = lambda state, *_: {"jobs": [{"id": "job-7"}] * (state == "retrying")}
    expected = "0 of 1 mails have come, and these jobs are unfinished: job-7 is retrying"
    with pytest.raises(quiescence.StillMoving, match=expected):
        quiescence.wait_for_quiescence(client, tmp_path, Plan(patience=9.0), print)
