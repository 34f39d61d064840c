"""Tests of the list of backends, and of jobs that a backend refuses."""

import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from jobs.sample_tasks import leave
from support import until

from demo_app.backends.memory import MemoryBackend
from demo_app.conformance.sample_tasks import step
from demo_app.jobs import Unsupported
from demo_app.jobs import backend as backends
from demo_app.jobs.backend import backend_named
from demo_app.settings import known_backends


@pytest.mark.parametrize("name", ["rq", "huey"])
def test_a_missing_library_is_named_with_its_command(monkeypatch, name):
    for module in [key for key in sys.modules if key.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, f"demo_app.backends.{name}", raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    backends.started_backend.cache_clear()
    with pytest.raises(ImportError, match=r"pip install '\.\[backends\]'"):
        backend_named(name)


@pytest.mark.parametrize("name", ["carrier pigeon", "in_process", "no.such:make", "json:make"])
def test_an_unknown_backend_is_named(name):
    with pytest.raises(ValueError, match=name.partition(":")[0]):
        backend_named(name)


def test_the_known_backends_are_listed():
    with pytest.raises(ValueError, match=f"one of {', '.join(known_backends())}, or package"):
        backend_named("pigeon")


@pytest.mark.parametrize(
    ("options", "words"),
    [({"priority": 1}, "no priorities"), ({"run_after": datetime.now(UTC)}, "immediately")],
)
def test_an_unsupported_option_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        step.using(backend="inline", **options).enqueue(1)


def test_a_job_that_exits_is_dead_and_does_not_end_its_process(inline):
    assert leave.enqueue().state == "dead"


def test_no_exit_and_no_far_due_time_ends_a_thread_of_the_memory_backend() -> None:
    with closing(MemoryBackend(concurrency=1)) as memory:
        memory.enqueue(leave.using(run_after=datetime.max.replace(tzinfo=UTC)).job())
        for dead in (1, 2):
            memory.enqueue(leave.job())
            until(lambda n=dead: memory.count_by_state().get("dead") == n, what="the end of a job")
