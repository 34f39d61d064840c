"""Tests that the wait for the end of a campaign has a limit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from chaos import quiescence
from demo_app.stack.client import Client


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
        quiescence.wait_for_quiescence(
            client, tmp_path, patience=9.0, stock=False, by_hand={}, on_line=print
        )
