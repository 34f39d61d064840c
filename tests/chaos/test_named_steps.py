"""A process is killed at a named step, once for each step: every mail arrives, once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import client_of, most_thorough, until

from chaos.ledger import comments_of
from demo_app.failpoints import Step, enable
from demo_app.stack import Stack
from demo_app.stack.client import Client

_DEFER = {"at": "rcpt", "do": "answer", "code": 451, "times": 1}
_REFUSE = {"at": "rcpt", "do": "answer", "code": 550, "times": 1}
_FAULTS: dict[Step, dict[str, Any]] = {
    Step.RETRY_SCHEDULED: _DEFER,
    Step.DUE_MOVED: _DEFER,
    Step.DIED: _REFUSE,
}
_ONLY_WITHOUT_THE_ATOMIC_CLAIM = {Step.POPPED}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    environment = {
        "DEMO_DIE_AT": "armed",
        "DEMO_LEASE_SECONDS": "1.5",
        "DEMO_BEAT_SECONDS": "0.2",
    }
    with Stack(workers=2, environment=environment) as running:
        yield running


def _post(client: Client) -> None:
    with suppress(httpx.HTTPError):  # the web app may die before it answers
        client.comment()


def _taken(stack: Stack, step: Step) -> bool:
    return not (Path(stack.ready["dir"]) / "steps" / step).exists()


@pytest.mark.parametrize("step", [s for s in Step if s not in _ONLY_WITHOUT_THE_ATOMIC_CLAIM])
def test_a_death_at_this_step_costs_no_mail_and_shows_none_twice(stack: Stack, step: Step) -> None:
    folder = Path(stack.ready["dir"])
    with Client(stack.ready) as client:
        client.set_faults(*([_FAULTS[step]] if step in _FAULTS else []))
        if step is Step.RESCUE_MOVED:
            enable(folder, Step.STARTED)  # one dies with a job, so that another has to rescue it
        enable(folder, step)
        _post(client)
        until(lambda: _taken(stack, step), what=f"a death at {step}")
        until(lambda: _web_is_back(client), what="the web app")
        comments = comments_of(folder)
        if step is Step.DIED:
            [dead] = client.wait_for(lambda now: now["dead"] == 1) and client.jobs("dead")["jobs"]
            client.decide(dead["id"], "retry")
        client.wait_for_mails(len(comments))
        now = client.wait_for(lambda now: now["done"] == now["enqueued"])
        assert now["conserved"]
        assert {mail["job_id"] for mail in client.all_mails()} == {
            job for job, _ in comments.values()
        }
        assert client.mail_stats()["distinct"] == len(comments)


def _web_is_back(client: Client) -> bool:
    with suppress(httpx.HTTPError):
        return bool(client.summary())
    return False


@pytest.mark.parametrize("half", most_thorough(["a command", "a transaction"], "a transaction"))
def test_a_log_that_ends_in_half_a_record_is_cut_off_and_said_so(half: str) -> None:
    """As when Redis is killed in the middle of a rescue: all of the script is kept, or nothing."""
    torn = b"*3\r\n$5\r\nRPUSH\r\n$8\r\nhal"
    if half == "a transaction":
        torn = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$4\r\nSADD\r\n$4\r\nhalf\r\n$1\r\nx\r\n"
    told: list[dict[str, Any]] = []
    with Stack(on_event=told.append) as stack, Client(stack.ready) as client:
        client.comment()
        client.wait_for(lambda now: now["done"] == 1)
        stack.kill("redis", signal.SIGKILL, restart=False)
        [log] = (Path(stack.ready["dir"]) / "redis" / "appendonlydir").glob("*.incr.aof")
        whole = log.stat().st_size
        with log.open("ab") as file:
            file.write(torn)
        stack.start("redis")
        trouble = until(lambda: [e for e in told if e["event"] == "trouble"], what="the news")
        assert f"cut off at byte {whole}" in trouble[0]["what"]
        assert not client_of(stack.ready["redis"]).exists("half")
        client.comment()
        assert client.wait_for(lambda now: now["done"] == 2)["conserved"]
