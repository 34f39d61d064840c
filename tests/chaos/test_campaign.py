"""Tests of the fault campaign: the promise holds, and without any single safeguard it breaks."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import until
from typer import BadParameter, Exit

from chaos import __main__ as main
from chaos import strike
from chaos.campaign import Result
from chaos.context import Context, Fault, FaultType, MailRules
from chaos.plan import Plan
from chaos.system import System
from demo_app.settings import Safeguard, Transport

FOUND = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def _chaos(*words: str, seconds: float) -> tuple[int, dict[str, Any], str]:
    seed = secrets.randbelow(1_000_000)
    command = [sys.executable, "-m", "chaos", "--json", "--seed", str(seed), *words]
    done = subprocess.run(command, env=FOUND, capture_output=True, text=True, timeout=seconds)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.thorough
@pytest.mark.timeout(400)
def test_a_dozen_faults_cost_no_mail_and_show_none_twice(
    record_property: pytest.RecordProperty, tmp_path: Path
) -> None:
    history = tmp_path / "history.jsonl"
    words = ("--faults", "12", "--seconds", "150", "--history", str(history))
    status, found, output = _chaos(*words, seconds=380)
    print(f"seed {found['seed']}, {found['faults']} faults")
    record_property("chaos", json.dumps(found))
    why = f"seed {found['seed']}: {found}\n{output}"
    assert (found["lost"], found["visible_duplicates"], found["stale"]) == (0, 0, 0), why
    assert found["conserved"], why
    assert found["distinct_mails"] == found["comments"] > 0, why
    assert len(found["by_kind"]) >= 4, why
    assert found["broken"] == {}, why
    assert status == 0, why
    whats = {json.loads(line)["what"] for line in history.read_text().splitlines()}
    assert whats >= {"posts", "asked", "accepted", "fault", "queue", "seen"}


@pytest.mark.nightly
@pytest.mark.timeout(200)
@pytest.mark.parametrize("safeguard", Safeguard)
def test_without_a_safeguard_the_campaign_finds_what_it_is_there_for(safeguard: Safeguard) -> None:
    words = ("--faults", "2", "--aimed", "--without", safeguard, "--patience", "5")
    status, found, output = _chaos(*words, seconds=180)
    assert status == 1, output
    damage = {
        Safeguard.OUTBOX: found["lost"],
        Safeguard.KEEP: found["lost"],
        Safeguard.ATOMIC_CLAIM: found["lost"],
        Safeguard.RESCUE: found["lost"],
        Safeguard.LEASE: found["stale"],
        Safeguard.DEDUPE: found["visible_duplicates"],
    }
    assert damage[safeguard] > 0, found


@pytest.mark.nightly
@pytest.mark.timeout(200)
def test_with_every_safeguard_the_same_faults_do_no_harm() -> None:
    """Inject the faults in `AGAINST` while all safeguards are in place."""
    status, found, output = _chaos("--faults", "8", "--aimed", seconds=180)
    assert status == 0, f"{found}\n{output}"
    assert found["faults"] >= 8


@pytest.mark.thorough
def test_a_campaign_that_is_stopped_leaves_its_history(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    command = [sys.executable, "-m", "chaos", "--history", str(history)]
    with subprocess.Popen(command, env=FOUND, start_new_session=True) as campaign:
        try:
            until(lambda: history.exists() and '"accepted"' in history.read_text(), 60.0)
        finally:
            campaign.send_signal(signal.SIGINT)
            campaign.wait(60)
    whats = {json.loads(line)["what"] for line in history.read_text().splitlines()}
    assert whats >= {"posts", "asked", "accepted", "queue"}


def test_stock_celery_keeps_a_chosen_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Plan] = []

    def run(plan: Plan, _: object) -> Result:
        plans.append(plan)
        raise strike.StackIsDead("this test starts no campaign")

    monkeypatch.setattr(main, "run", run)
    for options in ({}, {"stock_only": True}, {"stock_only": True, "patience": 40.0}):
        with pytest.raises(Exit):
            main.chaos(**options)
    assert [plan.patience for plan in plans] == [30.0, 15.0, 40.0]
    assert [plan.stock for plan in plans] == [False, True, True]


def test_a_safeguard_cannot_be_left_out_of_stock_celery() -> None:
    with pytest.raises(BadParameter, match="Stock Celery has no safeguards"):
        main.chaos(stock_only=True, without=[Safeguard.OUTBOX])


def test_a_kind_of_fault_that_there_is_not_is_one_sentence() -> None:
    command = [sys.executable, "-m", "chaos", "--only", "earthquake"]
    done = subprocess.run(command, env=FOUND, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no fault with 'earthquake'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stack_that_accepts_nothing_ends_the_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strike, "SILENCE", 0.5)
    monkeypatch.setattr(strike, "LONGEST", 0.2)
    nowhere = "http://127.0.0.1:1"
    never_started = System(tmp_path, Transport.CLAIMS, frozenset())
    try:
        rules = MailRules({"token": "", "web": nowhere, "inbox": nowhere, "redis": ""})
        plan = Plan(faults=1, seconds=30.0, seed=1, only="mail 451", pace=0.1)
        with pytest.raises(strike.StackIsDead, match="no comment was accepted"):
            strike.strike(plan, random.Random(1), never_started, rules, [], print)
    finally:
        never_started.stop()


def test_an_unexpected_error_of_an_injector_ends_the_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inject(_: Context) -> list[Fault]:
        raise LookupError("a mistake in the injector")

    monkeypatch.setattr(strike, "LONGEST", 0.2)
    monkeypatch.setattr(Plan, "kinds", (FaultType("with a mistake", 1, inject),))
    never_started = System(tmp_path, Transport.CLAIMS, frozenset())
    nowhere = "http://127.0.0.1:1"
    rules = MailRules({"token": "", "web": nowhere, "inbox": nowhere, "redis": ""})
    plan = Plan(faults=1, seconds=10.0, pace=0.1)
    try:
        with pytest.raises(LookupError, match="a mistake in the injector") as found:
            strike.strike(plan, random.Random(1), never_started, rules, [], print)
    finally:
        never_started.stop()
    assert found.value.__notes__ == ["raised by the injector 'with a mistake'"]
