"""The order in which jobs run; see `suite`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from demo_app.conformance.expect import expect
from demo_app.conformance.harness import Harness
from demo_app.conformance.sample_tasks import hold, step


@contextmanager
def held(harness: Harness) -> Iterator[None]:
    """Keep the one worker busy, so that jobs put in within the block wait."""
    name = f"{time.time()}"
    if not harness.in_request:
        harness.put(hold.job(name))
        harness.wait_for("began", name=name)
    yield
    harness.release(name)


def jobs_begin_in_the_order_in_which_they_came(harness: Harness) -> str:
    """First in, first out, with one worker that runs one job at a time."""
    if not harness.capabilities.fifo:
        return "not promised"
    with held(harness):
        ids = harness.put(*map(step.job, range(10)))
        for number in range(10, 20):
            ids += harness.put(step.job(number))
    order = [event["number"] for event in harness.wait_until_all_ran(ids)]
    expect(order == list(range(20)), f"they ran as {order}")
    return "first in, first out"
