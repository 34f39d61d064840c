"""Jobs that wait are brought from one backend to another: all of them, once, in their order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from support import client_of, most_thorough

from demo_app.backends import celery, huey, memory, rq
from demo_app.backends.inline import InlineBackend
from demo_app.commands.move import migrate
from demo_app.jobs import Job, Unsupported
from demo_app.settings import Settings
from demo_app.stack import Options, redis_server

MAKERS = {"celery": celery.make, "rq": rq.make, "huey": huey.make}
LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def settings_of(redis_url: str, folder: Path) -> Settings:
    return Settings(dir=folder, redis_url=redis_url)


def some_jobs() -> list[Job]:
    normal = [Job("tests.nothing", {"n": n}, "mail", id=f"normal-{n}") for n in range(6)]
    urgent = Job("tests.nothing", {}, "mail", 1, id="urgent", attempts=2)
    late = Job("tests.nothing", {}, "default", 0, LATER, id="late")
    return [*normal, urgent, late]


@pytest.fixture
def empty(redis_url):
    client = client_of(redis_url)
    client.flushall()
    yield redis_url
    client.close()


@pytest.mark.parametrize(("source", "target"), [*permutations(MAKERS, 2)])
def test_every_job_arrives_as_it_was_and_back_again(empty, tmp_path, source, target):
    chosen = settings_of(empty, tmp_path)
    old, new = MAKERS[source](chosen), MAKERS[target](chosen)
    old.enqueue_many(some_jobs())

    there = list(migrate(old, new))
    back = list(migrate(new, old))

    wanted = ["urgent", *(f"normal-{n}" for n in range(6)), "late"]
    for moved in (there, back):
        assert [job.id for job in moved] == wanted
        assert (moved[0].priority, moved[0].attempts) == (1, 2)
        assert moved[-1].run_after == LATER
        assert moved[1].arguments == {"n": 0}
    assert list(migrate(new, old)) == []
    assert old.count_by_state()["queued"] == 7
    old.close()
    new.close()


def test_nothing_is_moved_to_where_it_would_be_lost(empty, tmp_path):
    old = celery.make(settings_of(empty, tmp_path))
    old.enqueue_many(some_jobs())

    with pytest.raises(Unsupported, match="end with this command"):
        next(migrate(old, InlineBackend()))

    assert old.count_by_state()["queued"] == 7


def test_the_jobs_of_a_process_are_its_own(empty, tmp_path):
    backend = memory.MemoryBackend(1)

    with pytest.raises(Unsupported, match="live and die with the process"):
        next(migrate(backend, celery.make(settings_of(empty, tmp_path))))

    backend.close()


def command(source: str, target: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    words = ["move", "--from", source, "--to", target, "--dir", str(folder)]
    told = {"DEMO_DIR": str(folder), **environment}
    return subprocess.Popen(
        [sys.executable, "-m", "demo_app", *words],
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


BOTH_WAYS = (("huey", "celery"), ("celery", "huey"))


@pytest.mark.parametrize(("source", "target"), most_thorough(BOTH_WAYS, BOTH_WAYS[0]))
def test_a_move_that_is_killed_midway_loses_nothing(tmp_path, source, target):
    """At rest: the stack is stopped, and only the command has Redis running on its data."""
    (tmp_path / "redis").mkdir()

    def with_redis(do):
        with redis_server.running(tmp_path / "redis", Options(appendfsync="always")) as url:
            return do(settings_of(url, tmp_path))

    with_redis(lambda chosen: MAKERS[source](chosen).enqueue_many(some_jobs()))

    killed = command(source, target, tmp_path, DEMO_DIE_AT="enqueued:3")
    killed.communicate(timeout=60)
    again = command(source, target, tmp_path)
    said, _ = again.communicate(timeout=60)

    assert killed.returncode == -signal.SIGKILL
    assert again.returncode == 0, said
    assert "Moved 6 jobs" in said  # two went before; the third was in both
    arrived = with_redis(lambda chosen: [job.id for job in MAKERS[target](chosen).pending()])
    assert sorted(arrived) == sorted(job.id for job in some_jobs())
    assert with_redis(lambda chosen: list(MAKERS[source](chosen).pending())) == []


def test_no_job_runs_while_it_is_moved(tmp_path):
    """A backend that runs its jobs in its own process would, once it was started."""
    (tmp_path / "eager.py").write_text(
        "from demo_app.backends import memory\n\n"
        "class Eager(memory.MemoryBackend):\n"
        "    def start(self): raise SystemExit('it was started')\n"
        "    def pending(self): return iter([])\n\n"
        "make = lambda settings: Eager(1)\n"
    )
    (tmp_path / "redis").mkdir()
    asked = command("eager:make", "celery", tmp_path, PYTHONPATH=str(tmp_path))
    said, _ = asked.communicate(timeout=60)

    assert "Moved 0 jobs" in said


def test_the_same_backend_twice_is_a_mistake(tmp_path):
    asked = command("huey", "huey", tmp_path)
    said, _ = asked.communicate(timeout=60)

    assert asked.returncode == 2
    assert "the same backend" in said
    assert "Traceback" not in said
