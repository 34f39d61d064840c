"""Tests of a worker that is started by hand with Celery's command, and of a safeguard's setting."""

import re
import signal
import sys
from pathlib import Path

import pytest
from support import most_nightly, patience, run_python, until

from demo_app.blog import posts
from demo_app.blog.database import SqliteDatabase
from demo_app.rig.process_group import ProcessGroup
from demo_app.settings import Safeguard, Settings
from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.worker.app import make_app
from demo_app.worker.experiments import UnsafeInFlight

WORKER = ("-m", "celery", "-A", "demo_app.worker", "worker")
STACK = {"workers": 0}


@pytest.fixture
def waiting(client: Client) -> Client:
    before = client.summary()["queued"]
    client.comment()
    client.wait_for(lambda now: now["queued"] > before)
    return client


#: Enqueues jobs from a program that uses the Celery app without the blog.
SEND = """
from demo_app.worker import app
name = "demo_app.tasks.notify_author"
app.send_task(name, [1, 2], task_id="odd", queue="mail")
app.send_task(name, kwargs={"comment_id": 1}, queue="mail")
app.send_task(name, kwargs={"comment_id": 1}, queue="mail", countdown=3600)
"""


def test_a_worker_started_by_hand_joins_the_stack(stack: Stack, waiting: Client) -> None:
    assert re.search(r"\d+ jobs? waits?, but no worker claims", waiting.web.get("/jobs").text)
    ready = stack.ready
    redis = {"DEMO_REDIS_URL": ready["redis"]}
    settings = redis | {"DEMO_SMTP_URL": f"smtp://{ready['smtp']}", "DEMO_DIR": ready["dir"]}
    with ProcessGroup() as group:
        worker = group.start([sys.executable, *WORKER, "--loglevel", "ERROR"], settings)
        of_blog = waiting.wait_for(lambda now: now["done"] == now["enqueued"])["done"]
        assert waiting.mail_stats()["distinct"] == of_blog
        run_python("-c", SEND, **redis).check_returncode()
        now = waiting.wait_for(lambda now: now["done"] == of_blog + 1)
        assert (now["enqueued"], now["scheduled"]) == (of_blog + 3, 1)
        assert now["conserved"]
        until(
            lambda: "too many positional arguments" in str(waiting.job("odd")["timeline"]),
            what="what was wrong with the first one",
        )
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(patience(20)) == 0
    assert waiting.summary()["workers"] == [], "it has signed off"


def test_a_worker_without_rescue_has_none() -> None:
    with make_app(Settings(without=frozenset({Safeguard.RESCUE}))).connection() as connection:
        assert connection.transport.in_flight_class is UnsafeInFlight


def test_a_pool_of_processes_is_refused_with_a_reason() -> None:
    output = run_python(*WORKER, "--pool", "processes")
    assert output.returncode != 0
    assert "use --pool threads" in output.stderr + output.stdout


@pytest.mark.parametrize("folder", most_nightly(["not mounted", "another blog"], "another blog"))
def test_a_worker_without_its_blog_does_not_start(
    tmp_path: Path, stack: Stack, waiting: Client, folder: str
) -> None:
    if folder == "another blog":
        posts.seed(SqliteDatabase(tmp_path / folder / "blog.sqlite3"))
    before = waiting.summary()["queued"]
    settings = {"DEMO_REDIS_URL": stack.ready["redis"], "DEMO_DIR": str(tmp_path / folder)}
    output = run_python(*WORKER, **settings)
    assert output.returncode != 0
    assert "This worker does not start" in output.stderr
    assert waiting.summary()["queued"] == before, "and it has taken nothing"
    assert (tmp_path / folder).exists() is (folder == "another blog")
