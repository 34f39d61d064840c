"""The outbox as a page: what the queue does not have yet, the oldest first, without Redis too."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from support import until

from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.web.dashboard import SHOWN


@pytest.fixture
def waiting(stack: Stack, client: Client, holder: httpx.Client) -> Iterator[list[str]]:
    """The jobs of more comments than the page shows, posted while Redis is dead; oldest first."""
    until(
        lambda: "Nothing waits to be handed over" in holder.get("/jobs/outbox").text,
        what="an empty page",
    )
    stack.kill("redis", restart=False)
    yield [client.comment()["job_id"] for _ in range(SHOWN + 5)]
    stack.start("redis")


def test_the_oldest_rows_are_shown_with_their_age(holder: httpx.Client, waiting) -> None:
    page = holder.get("/jobs/outbox").text
    assert re.findall(r'<tr id="job-([^"]+)"', page) == waiting[:SHOWN]
    assert page.count("<time") == SHOWN
    assert f"{len(waiting)} jobs wait to be handed over." in page
    assert f"The oldest {SHOWN} are shown." in page


@pytest.mark.usefixtures("waiting")
def test_the_page_that_misses_redis_leads_to_it_and_it_says_why(holder: httpx.Client) -> None:
    assert "jobs/outbox" in holder.get("/jobs").text
    until(lambda: "The last attempt" in holder.get("/jobs/outbox").text, what="the reason")


def test_once_the_queue_has_all_it_is_empty(stack, client, holder, waiting) -> None:
    stack.start("redis")
    until(
        lambda: "Nothing waits to be handed over" in holder.get("/jobs/outbox").text,
        what="the handing over",
    )
    assert client.job(waiting[0])["id"] == waiting[0]
