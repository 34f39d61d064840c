"""The judge counts what it saw itself."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from demo_app.judge.arena import Arena
from demo_app.judge.judge import Judge, Verdict
from demo_app.judge.plan import Plan
from demo_app.judge.record import Record
from demo_app.judge.targets import target_of

pytestmark = pytest.mark.timeout(300)

SQLITE = """
import sqlite3, time

class MyQueue:
    def __init__(self, redis):
        self.db = sqlite3.connect("queue.db", 10, isolation_level=None, check_same_thread=False)
        self.db.execute("CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, job, worker)")

    def put(self, job):
        self.db.execute("INSERT INTO jobs (job) VALUES (?)", (job,))

    def claim(self, worker):
        {claim}

    def ack(self, worker, job):
        self.db.execute("DELETE FROM jobs WHERE worker = ?", (worker,))
"""
TWO_STEPS = """
        found = self.db.execute("SELECT id, job FROM jobs WHERE worker IS NULL").fetchone()
        if found is not None:
            self.db.execute("UPDATE jobs SET worker = ? WHERE id = ?", (worker, found[0]))
            return found[1]
"""
WHERE = """
    def where(self, job):
        return self.db.execute("SELECT 'the table' FROM jobs WHERE job = ?", (job,)).fetchone()
"""


def judged(path: Path, text: str, *levels: int) -> list[Verdict]:
    path.write_text(text, "utf-8")
    with Judge(target_of(f"{path}:MyQueue"), seconds=0.0, patience=6.0) as judge:
        return list(judge.judge(levels))


def test_a_run_that_is_said_to_be_earlier_than_its_job_came_is_not_believed() -> None:
    came = {"at": 2.0, "who": "cable", "event": "seen", "on": "w1", "job": "a", "answer": True}
    begins = [{"at": at, "who": "w1", "event": "begin", "job": "a"} for at in (1.0, 3.0)]
    assert [Record([came, begin]).unproved for begin in begins] == [["a"], []]


def test_a_queue_in_sqlite_is_halted_between_its_statements(tmp_path: Path) -> None:
    (broken,) = judged(tmp_path / "seen.py", SQLITE.replace("{claim}", TWO_STEPS) + WHERE, 4)
    assert broken.held is False
    assert "SELECT" in str(broken.as_json()["history"])


@pytest.mark.thorough
def test_a_queue_that_does_not_say_where_a_job_is_is_not_judged(tmp_path: Path) -> None:
    (unseen,) = judged(tmp_path / "unseen.py", SQLITE.replace("{claim}", TWO_STEPS), 1)
    assert unseen.held is None
    assert "where(job)" in unseen.why


def test_a_programs_server_wants_a_password() -> None:
    with (
        closing(target_of("command:sleep 60")) as target,
        Arena(target, Plan(1), threading.Event()) as arena,
    ):
        part = arena.worker()
        found = re.fullmatch(r"redis://:(\w{32})@127.0.0.1:(\d+)/0", part.role.url)
        assert found
        with socket.create_connection(("127.0.0.1", int(found[2])), 20) as stranger:
            stranger.sendall(b"PING\r\n")
            assert stranger.recv(100).startswith(b"-NOAUTH")
