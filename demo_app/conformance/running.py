"""The order in which jobs run; see `suite`."""

from __future__ import annotations

from demo_app.conformance.expect import expect
from demo_app.conformance.harness import Harness
from demo_app.conformance.sample_tasks import hold, step


def jobs_begin_in_the_order_in_which_they_came(harness: Harness) -> str:
    """First in, first out, with one worker that runs one job at a time."""
    if not harness.capabilities.fifo:
        return "not promised"
    if not harness.in_request:  # keep the one worker busy, so that the jobs wait
        harness.put(hold.job("busy"))
        harness.wait_for("began", name="busy")
    ids = harness.put(*map(step.job, range(10)))
    for number in range(10, 20):
        ids += harness.put(step.job(number))
    harness.release("busy")
    order = [event["number"] for event in harness.wait_until_all_ran(ids)]
    expect(order == list(range(20)), f"they ran as {order}")
    return "first in, first out"
