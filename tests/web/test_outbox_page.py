"""The outbox as a page: what the queue does not have yet, the oldest first, without Redis too."""

from __future__ import annotations

import re

import httpx
from support import until

from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.web.dashboard import SHOWN


def test_while_redis_is_dead_the_oldest_rows_are_shown_and_then_the_queue_has_all(
    stack: Stack, client: Client, holder: httpx.Client
) -> None:
    def page() -> str:
        return holder.get("/jobs/outbox").text

    def is_empty() -> bool:
        return "Nothing waits to be handed over" in page()

    until(is_empty, what="an empty page")
    stack.kill("redis", restart=False)
    waiting = [client.comment()["job_id"] for _ in range(SHOWN + 5)]  # more than the page shows
    shown = page()
    assert re.findall(r'<tr id="job-([^"]+)"', shown) == waiting[:SHOWN], "the oldest first"
    assert shown.count("<time") == SHOWN
    assert f"{len(waiting)} jobs wait to be handed over." in shown
    assert f"The oldest {SHOWN} are shown." in shown
    assert "jobs/outbox" in holder.get("/jobs").text, "the page that misses Redis leads to it"
    until(lambda: "The last attempt" in page(), what="the reason")
    stack.start("redis")
    until(is_empty, what="the handing over")
    assert client.job(waiting[0])["id"] == waiting[0]
