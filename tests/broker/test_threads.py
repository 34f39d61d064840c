"""Tests of Celery's thread pool: a thread that has ended a job starts the next one itself."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import Any
from unittest.mock import Mock

import pytest
from billiard.exceptions import WorkerLostError
from celery.concurrency.thread import TaskPool
from support import patience

from demo_app.broker.threads import Threads


class Pool(TaskPool):
    """Celery's thread pool. Each job records its name and its thread."""

    def __init__(self, threads: int = 2) -> None:
        super().__init__(limit=threads)
        self.on_apply = Threads(self.on_apply).on_apply
        self.start()
        self.ran: SimpleQueue[tuple[str, int]] = SimpleQueue()

    def apply(
        self, name: str, then: Callable[[Any], None] = lambda _: None,
        accepted: Callable[[], None] = lambda: None, run: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Run a job in the pool.

        Args:
            then: called with the job's result.
            accepted: called before the job.
            run: called by the job.
        """

        def target() -> None:
            run()
            self.ran.put((name, threading.get_ident()))

        self.apply_async(target, callback=then, accept_callback=lambda *_: accepted())

    def next(self) -> tuple[str, int]:
        return self.ran.get(timeout=patience(20))


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool()
    yield made
    made.stop()


def test_a_job_that_an_end_brings_runs_after_it_in_the_same_thread(pool: Pool) -> None:
    """A long series of such jobs needs no deeper stack."""

    def ends(left: int, _: Any) -> None:
        if left:
            pool.apply(str(left), partial(ends, left - 1), run=partial(order.append, left))
            order.append(-left)

    order: list[int] = []
    pool.apply("first", partial(ends, 3000))
    assert len({pool.next()[1] for _ in range(3001)}) == 1
    assert order == [number for left in range(3000, 0, -1) for number in (-left, left)]


def test_a_job_that_an_end_brings_waits_for_older_jobs() -> None:
    pool, gate = Pool(threads=1), threading.Event()
    pool.apply("first", lambda _: pool.apply("fourth"), run=partial(gate.wait, patience(20)))
    pool.apply("second")
    pool.apply("third")
    gate.set()
    assert [pool.next()[0] for _ in range(4)] == ["first", "second", "third", "fourth"]
    pool.stop()


def test_a_second_job_of_one_end_runs_in_another_thread(pool: Pool) -> None:
    both = threading.Barrier(2, timeout=patience(20))

    def ends(_: Any) -> None:
        pool.apply("second", run=both.wait)
        pool.apply("third", run=both.wait)

    pool.apply("first", ends)
    ran = [pool.next() for _ in range(3)]
    assert {name for name, _ in ran} == {"first", "second", "third"}
    assert len({thread for _, thread in ran[1:]}) == 2


def test_a_job_that_a_start_brings_does_not_wait_for_the_end(pool: Pool) -> None:
    """With early acknowledgement, the worker receives the second job when the first one starts."""
    second_ran = threading.Event()

    begins_second = partial(pool.apply, "second", run=second_ran.set)
    pool.apply("first", accepted=begins_second, run=partial(second_ran.wait, patience(20)))
    assert [pool.next()[0] for _ in range(2)] == ["second", "first"]


@pytest.mark.parametrize("end", [SystemExit("exit"), ValueError("odd")])
def test_an_error_outside_of_a_task_is_its_result(pool: Pool, end: BaseException) -> None:
    results: SimpleQueue[Any] = SimpleQueue()
    pool.apply("first", results.put, run=Mock(side_effect=end))
    failed, found, _ = results.get(timeout=patience(20))
    assert failed
    assert found.type is (WorkerLostError if isinstance(end, SystemExit) else ValueError)


def test_a_failed_end_keeps_the_next_job(pool: Pool, caplog: pytest.LogCaptureFixture) -> None:
    def ends(_: Any) -> None:
        pool.apply("second")
        raise ConnectionError("no event can be sent")

    pool.apply("first", ends)
    assert [pool.next()[0] for _ in range(2)] == ["first", "second"]
    assert "The end of a job could not be handled" in caplog.text
