"""Wait until the system is quiet: every mail has come, or nothing moves any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from demo_app.stack.client import Client
from demo_app.verification.chaos.ledger import comments_of

#: What happened to jobs that were brought back by hand: the reason, by the job's id.
ByHand = dict[str, str]


def wait_until_quiet(
    client: Client,
    folder: Path,
    *,
    patience: float,
    stock: bool,
    by_hand: ByHand,
    tell: Callable[[str], None],
) -> None:
    """Wait for every comment's mail, as long as there is any progress; bring back the dead.

    patience: seconds without any progress after which it is over. A job that waits for its next
    try is no standstill, however long its backoff has become. by_hand: receives what was brought
    back. tell: is told a line now and then.
    """
    seen, since = -1, time.monotonic()
    while True:
        with suppress(httpx.HTTPError):
            wanted = {job for job, _ in comments_of(folder).values()}
            there = client.mail_stats()["distinct"]
            now = client.summary()
            moving, waiting = there + int(now["done"]), False
            if stock:
                open_jobs = 0
            else:
                moving += _bring_back(client, by_hand)
                waiting = now["retrying"] + now["scheduled"] > 0
                open_jobs = now["queued"] + now["running"] + now["retrying"] + now["dead"]
            if there >= len(wanted) and not open_jobs:
                return
            if moving != seen:
                tell(f"       {there} of {len(wanted)} mails have come")
            if moving != seen or waiting:
                seen, since = moving, time.monotonic()
        if time.monotonic() - since > patience:
            return
        time.sleep(0.2)


def _bring_back(client: Client, by_hand: ByHand) -> int:
    """What a person does about jobs that were given up by rule: look at the reason, and retry."""
    dead: list[dict[str, Any]] = client.jobs("dead")["jobs"]
    for job in dead:
        last = client.job(job["id"])["timeline"][-1]
        poison = str(last.get("text", "")).startswith("poison")
        client.decide(job["id"], "retry")
        by_hand[job["id"]] = "rescued too often" if poison else "refused for good"
    return len(dead)
