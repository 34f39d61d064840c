"""Tests that kill a process at each named step: every mail arrives, once."""

from pathlib import Path
from typing import Any

import pytest
from support import most_nightly, or_none, until

from chaos.ledger import comments_of
from demo_app.failpoints import Step, enable
from demo_app.stack import Stack
from demo_app.stack.client import Client

_DEFER: dict[str, Any] = {"at": "rcpt", "do": "answer", "code": 451, "times": 1}
_FAULTS = dict.fromkeys((Step.RETRY_SCHEDULED, Step.DUE_MOVED), _DEFER)
_FAULTS[Step.DIED] = {**_DEFER, "code": 550}
# POPPED happens only without the atomic claim
_STEPS = [step for step in Step if step is not Step.POPPED]
#: One step each of the web app, the relay, a worker with a job, and a worker that rescues a job.
_QUICK = (Step.COMMENT_COMMITTED, Step.OUTBOX_READ, Step.MAIL_SENT, Step.RESCUE_MOVED)
_QUICKLY = {"DEMO_DIE_AT": "armed", "DEMO_LEASE_SECONDS": "1.5", "DEMO_BEAT_SECONDS": "0.2"}
STACK = {"workers": 2, "environment": _QUICKLY}


@pytest.mark.parametrize("step", most_nightly(_STEPS, *_QUICK))
def test_a_death_at_this_step_costs_no_mail_and_shows_none_twice(
    stack: Stack, client: Client, step: Step
) -> None:
    folder = Path(stack.ready["dir"])
    client.set_faults(*([_FAULTS[step]] if step in _FAULTS else []))
    if step is Step.RESCUE_MOVED:
        # one worker dies with a job, so that another has to rescue the job
        enable(folder, Step.STARTED)
    enable(folder, step)
    or_none(client.comment)  # the web app may die before it replies
    until(lambda: not (folder / "steps" / step).exists(), what=f"a death at {step}")
    until(lambda: or_none(client.summary), what="the web app")
    comments = comments_of(folder)
    if step is Step.DIED:
        [dead] = client.wait_for(lambda now: now["dead"] == 1) and client.jobs("dead")["jobs"]
        client.decide(dead["id"], "retry")
    client.wait_for_mails(len(comments))
    now = client.wait_for(lambda now: now["done"] == now["enqueued"])
    assert now["conserved"]
    assert {mail["job_id"] for mail in client.all_mails()} == {job for job, _ in comments.values()}
    assert client.mail_stats()["distinct"] == len(comments)
