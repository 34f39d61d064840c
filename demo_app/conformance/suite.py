"""The promises of a backend, and the suite that tests them.

Each promise has a check, a function that tests the promise with real processes. The check returns
its result in a few words for a table, or raises Broken.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

from demo_app.conformance import checks
from demo_app.conformance.harness import Broken, Harness, running_harness


class Promise(NamedTuple):
    """One promise.

    Attributes:
        see: the check, which returns its result or raises Broken.
        apart: True if the check kills a process, and so needs its own harness.
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
    Promise("SIGKILL of a worker while it takes a job", checks.death_of_who_takes_it, apart=True),
)


class Finding(NamedTuple):
    """The result of one check.

    Attributes:
        seen: the result in a few words, for a table.
        problem: the reason why the promise is broken; "" if it was kept.
    """

    backend: str
    promise: str
    seen: str
    problem: str = ""


def check_backend(
    backend: str,
    *,
    path: tuple[str, ...] = (),
    promises: Iterable[Promise] = PROMISES,
    **options: Any,
) -> list[Finding]:
    """Test the promises of any backend with real processes, some of which are killed.

    The test takes about half a minute. Checks that do not kill a process share one harness until
    one of them fails. If a check raises an exception, the finding's `problem` describes it.

    Args:
        backend: the backend's name in the settings; ``module:callable`` for your own backend.
        path: folders with the backend's modules.
        options: further options of `harness.running_harness`.
    """
    make = partial(running_harness, backend, path, concurrency=1, **options)
    with ExitStack() as running:
        kept: list[Harness] = []

        @contextmanager
        def shared() -> Iterator[Harness]:
            try:
                if not kept:
                    kept.append(running.enter_context(make()))
                    kept[0].start_worker()
                yield kept[0]
            except Exception:  # the failed check's processes must not disturb the next check
                kept.clear()
                running.close()
                raise

        def find(promise: Promise) -> Finding:
            try:
                with make() if promise.apart else shared() as harness:
                    return Finding(backend, promise.name, promise.see(harness))
            except Exception as error:
                kind = "" if isinstance(error, Broken) else f"{type(error).__name__}: "
                return Finding(backend, promise.name, "broken", f"{kind}{error}")

        return [find(promise) for promise in promises]
