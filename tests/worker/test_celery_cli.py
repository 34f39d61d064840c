"""A worker is a Celery worker like any other: started by hand, it joins a running stack."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import most_thorough, until

from demo_app.blog import posts
from demo_app.blog.database import SqliteDatabase
from demo_app.rig.process_group import ProcessGroup
from demo_app.stack import Stack
from demo_app.stack.client import Client


def _command(*more: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "demo_app.worker", "worker", *more]


#: A stack that has no worker.
STACK = {"workers": 0}


@pytest.fixture
def waiting(stack: Stack) -> Iterator[Client]:
    """At least one job waits."""
    with Client(stack.ready) as client:
        client.comment()
        client.wait_for(lambda now: now["queued"] > 0)
        yield client


def test_a_worker_started_by_hand_works_for_a_running_stack(stack: Stack, waiting: Client) -> None:
    warned = waiting.web.get("/jobs").text
    assert re.search(r"\d+ jobs? waits?, and no worker is there to run", warned)
    ready = stack.ready
    environment = {
        **os.environ,
        "DEMO_REDIS_URL": ready["redis"],
        "DEMO_SMTP_URL": f"smtp://{ready['smtp']}",
        "DEMO_DIR": ready["dir"],
    }
    with ProcessGroup() as group:
        worker = group.start(_command("--loglevel", "ERROR"), environment)
        waiting.wait_for(lambda now: now["done"] == now["enqueued"])
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert waiting.summary()["workers"] == [], "it has signed off"
    assert waiting.mail_stats()["distinct"] == waiting.summary()["done"]


def test_a_pool_of_processes_is_refused_with_a_reason() -> None:
    told = subprocess.run(
        _command("--pool", "processes"), capture_output=True, text=True, check=False
    )
    assert told.returncode != 0
    assert "use --pool threads" in told.stderr + told.stdout


def test_a_plain_celery_producer_can_put_jobs_in() -> None:
    code = (
        "from demo_app.worker import app; "
        "app.send_task('demo_app.tasks.notify_author', [1, 2], task_id='odd', queue='mail'); "
        "app.send_task('demo_app.tasks.notify_author', kwargs={'comment_id': 1}, queue='mail'); "
        "app.send_task('demo_app.tasks.notify_author', kwargs={'comment_id': 1}, queue='mail',"
        " countdown=3600)"
    )
    with Stack(workers=1) as stack, Client(stack.ready) as client:
        client.comment()
        client.wait_for(lambda now: now["done"] == 1)
        environment = {**os.environ, "DEMO_REDIS_URL": stack.ready["redis"]}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        now = until(lambda: (seen := client.summary())["done"] == 2 and seen, what="the second job")
        assert (now["enqueued"], now["scheduled"]) == (4, 1)
        assert now["conserved"]
        until(
            lambda: "too many positional arguments" in str(client.job("odd")["timeline"]),
            what="what was wrong with the first one",
        )


@pytest.mark.parametrize("folder", most_thorough(["not mounted", "another blog"], "another blog"))
def test_a_worker_that_sees_another_blog_or_none_does_not_start(
    tmp_path: Path, stack: Stack, waiting: Client, folder: str
) -> None:
    if folder == "another blog":
        posts.seed(SqliteDatabase(tmp_path / folder / "blog.sqlite3"))
    before = waiting.summary()["queued"]
    environment = {
        **os.environ,
        "DEMO_REDIS_URL": stack.ready["redis"],
        "DEMO_DIR": str(tmp_path / folder),
    }
    told = subprocess.run(_command(), env=environment, capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "This worker does not start" in told.stderr
    assert waiting.summary()["queued"] == before, "and it has taken nothing"
    assert (tmp_path / folder).exists() is (folder == "another blog")
