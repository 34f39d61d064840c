"""Tests that the wait for the end of a campaign has a limit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chaos import quiescence
from demo_app.stack.client import Client

#: The summary of a queue in which a job waits for its next try.
WAITS = {"queued": 0, "running": 0, "retrying": 1, "scheduled": 0, "dead": 0, "done": 0}


class NeverReady(Client):
    """A client of a stack whose only job is retried for ever."""

    def __init__(self) -> None:
        pass

    def mail_stats(self) -> dict[str, int]:
        return {"distinct": 0}

    def summary(self) -> dict[str, Any]:
        return WAITS

    def jobs(self, state: str, limit: int = 200) -> dict[str, Any]:
        return {"jobs": [{"id": "job-7"}] if state == "retrying" else []}


def test_a_job_that_is_retried_for_ever_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiescence, "LONGEST", 0.2)
    with closing(sqlite3.connect(tmp_path / "blog.sqlite3")) as db, db:
        db.execute("CREATE TABLE comments (id, job_id, created_at)")
        db.execute("INSERT INTO comments VALUES (1, 'job-7', 0)")
    expected = "0 of 1 mails have come, and these jobs are unfinished: job-7 is retrying"
    with pytest.raises(quiescence.StillMoving, match=expected):
        quiescence.wait_for_quiescence(
            NeverReady(), tmp_path, patience=9.0, stock=False, by_hand={}, on_line=print
        )
