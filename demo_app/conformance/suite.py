"""Every promise, and how a backend is held to it.

Each promise has a check: a function that tries it on the real thing and returns what was seen, in
a few words for a table, or raises Broken. A promise that a backend does not make is held to the
other half of the bargain: what it does not support is refused, with an error that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from demo_app.conformance import arriving, deaths, ending, running
from demo_app.conformance.expect import Broken
from demo_app.conformance.harness import Harness


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing to look for.

    name: as the table's column says it. concurrency: of the worker that it needs. apart: it
    kills something, and so wants a harness of its own.
    """

    name: str
    see: Callable[[Harness], str]
    concurrency: int = 1
    apart: bool = False


PROMISES: tuple[Promise, ...] = (
    Promise("arguments", arriving.arguments_arrive_as_they_were_sent),
    Promise("order", running.jobs_begin_in_the_order_in_which_they_came),
    Promise("priority", running.a_higher_priority_runs_first),
    Promise("delay", running.a_delayed_job_waits_for_its_moment),
    Promise("retry", ending.a_failed_job_is_tried_again),
    Promise("gives up", ending.a_job_that_keeps_failing_is_given_up),
    Promise("discard", ending.a_pointless_job_is_discarded),
    Promise("results", ending.results_can_be_asked_for),
    Promise("same id twice", arriving.the_same_job_twice_runs_once),
    Promise("unknown", arriving.what_no_worker_knows_is_reported),
    Promise("side by side", running.jobs_run_side_by_side, concurrency=4),
    Promise("throughput", running.it_runs_so_many_jobs_a_second, concurrency=4),
    Promise("stop", running.a_stop_is_clean, apart=True),
    Promise("SIGKILL of the enqueuer", deaths.death_of_who_put_it_in, apart=True),
    Promise("SIGKILL of the worker", deaths.death_of_who_runs_it, apart=True),
    Promise("SIGKILL while it takes a job", deaths.death_of_who_takes_it, apart=True),
    Promise("SIGKILL of the broker", deaths.death_of_the_broker, apart=True),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one promise; `problem` is empty when it was kept."""

    backend: str
    promise: str
    seen: str
    problem: str = ""


@contextmanager
def looking_at(backend: str, **options: Any) -> Iterator[Callable[[Promise], str]]:
    """What looks whether the backend keeps a promise: it returns what was seen, and raises Broken
    when the promise is not kept, or something is raised that nobody expects.

    The promises that leave each other alone share running processes. options: see `Harness`.
    """
    with ExitStack() as running:

        @cache
        def shared(concurrency: int) -> Harness:
            made = running.enter_context(Harness(backend, concurrency=concurrency, **options))
            made.start_worker()
            return made

        def see(promise: Promise) -> str:
            try:
                if not promise.apart:
                    return promise.see(shared(promise.concurrency))
                with Harness(backend, concurrency=promise.concurrency, **options) as harness:
                    return promise.see(harness)
            except Broken:
                raise
            except Exception as error:
                raise Broken(f"{type(error).__name__}: {error}") from error

        yield see


def check_backend(
    backend: str, *, path: tuple[str, ...] = (), promises: Iterable[Promise] = PROMISES
) -> list[Finding]:
    """Hold any backend to what it promises: with real processes, some of which are killed.

    backend: its name, as in the settings; ``module:callable`` for one of your own. path: the
    folders in which Python finds it. Returns what was seen of each promise; a kept one has no
    `problem`. Takes about half a minute.
    """
    found = []
    with looking_at(backend, path=path) as see:
        for promise in promises:
            try:
                found.append(Finding(backend, promise.name, see(promise)))
            except Broken as broken:
                found.append(Finding(backend, promise.name, "broken", str(broken)))
    return found
