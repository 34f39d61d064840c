"""What is looked for, one function a promise: each does it to the real thing and returns what was
seen, in a few words for a table, or raises Broken.

A promise that a backend does not make is held to the other half of the bargain: it is refused,
with an error that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demo_app.verification.conformance import arriving, deaths, ending, running
from demo_app.verification.conformance.rig import Rig


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing to look for.

    name: as the table's column says it. concurrency: of the worker that it needs. apart: it
    kills something, and so wants a rig of its own.
    """

    name: str
    see: Callable[[Rig], str]
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
    Promise("unknown", arriving.what_no_worker_knows_is_told),
    Promise("side by side", running.jobs_run_side_by_side, concurrency=4),
    Promise("throughput", running.it_runs_so_many_jobs_a_second, concurrency=4),
    Promise("stop", running.a_stop_is_clean, apart=True),
    Promise("SIGKILL of the enqueuer", deaths.of_who_put_it_in, apart=True),
    Promise("SIGKILL of the worker", deaths.of_who_runs_it, apart=True),
    Promise("SIGKILL while it takes a job", deaths.of_who_takes_it, apart=True),
    Promise("SIGKILL of the broker", deaths.of_the_broker, apart=True),
)
