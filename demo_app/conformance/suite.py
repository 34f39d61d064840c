"""Every promise, and how a backend is held to it.

Each promise has a check: a function that tries it on the real thing and returns what was seen, in
a few words for a table, or raises Broken. A death that a backend does not promise to survive is
tried all the same, for the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from demo_app.conformance import checks
from demo_app.conformance.harness import Broken, Harness


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing to look for.

    name: as the table's column says it. apart: it kills something, and so wants a harness of its
    own.
    """

    name: str
    see: Callable[[Harness], str]
    apart: bool = False


PROMISES: tuple[Promise, ...] = (
    Promise("arguments", checks.arguments_arrive_as_they_were_sent),
    Promise("order", checks.jobs_begin_in_the_order_in_which_they_came),
    Promise("retry", checks.a_failed_job_is_tried_again),
    Promise("discard", checks.a_pointless_job_is_discarded),
    Promise("unknown", checks.what_no_worker_knows_is_reported),
    Promise("SIGKILL of the enqueuer", checks.death_of_who_put_it_in, apart=True),
    Promise("SIGKILL of the worker", checks.death_of_who_runs_it, apart=True),
    Promise("SIGKILL while it takes a job", checks.death_of_who_takes_it, apart=True),
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
        def shared() -> Harness:
            made = running.enter_context(Harness(backend, concurrency=1, **options))
            made.start_worker()
            return made

        def see(promise: Promise) -> str:
            try:
                if not promise.apart:
                    return promise.see(shared())
                with Harness(backend, concurrency=1, **options) as harness:
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
