"""When a campaign may say that a mail has not come: not while its job waits for the next try."""

from __future__ import annotations

from pathlib import Path

from chaos.quiescence import trace, wait_for_quiescence
from demo_app.stack import Stack
from demo_app.stack.client import Client

DEFER = {"at": "rcpt", "do": "answer", "code": 451, "text": "try again later"}


def test_a_job_whose_backoff_exceeds_the_patience_is_waited_for(tmp_path: Path) -> None:
    with Stack(dir=str(tmp_path)) as stack, Client(stack.ready) as client:
        client.set_faults({**DEFER, "times": 5})  # the fifth wait is four seconds at least
        client.comment()
        _wait(client, tmp_path, patience=3.5)
        assert client.mail_stats()["distinct"] == 1


def test_what_does_not_move_any_more_is_given_up_and_said_where_it_is(tmp_path: Path) -> None:
    with Stack(dir=str(tmp_path), workers=0) as stack, Client(stack.ready) as client:
        job = client.comment()["job_id"]
        client.wait_for(lambda now: now["queued"] == 1)
        _wait(client, tmp_path, patience=0.5)
        (told,) = trace(client, tmp_path, {job})
        assert told.startswith(f"{job}: ")
        assert "queued with nobody" in told
        assert "enqueued" in told
        (told,) = trace(client, tmp_path, {"nowhere"})
        assert "the queue does not know it" in told


def _wait(client: Client, folder: Path, *, patience: float) -> None:
    lines: list[str] = []
    wait_for_quiescence(
        client, folder, patience=patience, stock=False, by_hand={}, on_line=lines.append
    )
    assert lines
