"""Tests of the limits of addresses, comments and pages, and of the event stream."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from support import COMMENT, next_line, until, up_running

from demo_app.stack.client import Client


def test_an_address_of_slashes_makes_no_page_of_dots(reader: httpx.Client) -> None:
    assert len(reader.get("/x" + "/" * 15_000).content) < 20_000


def test_a_page_of_invisible_characters_is_as_small_as_another(client: Client, holder) -> None:
    for _ in range(60):
        newest = client.comment(2, body="\u202e" * 10_000)["comment_id"]
    answer = holder.get("/posts/2")
    assert answer.is_success
    assert len(answer.content) < 1_500_000
    assert "Older comments are not shown" in answer.text
    assert f'id="comment-{newest}"' in answer.text


@pytest.mark.parametrize(("proxies", "believed"), [("", False), ("127.0.0.1", True)])
def test_only_a_named_proxy_may_give_the_address_of_a_comment(proxies: str, believed: bool) -> None:
    slow = {"DEMO_COMMENT_BURST": "2", "DEMO_COMMENTS_PER_SECOND": "0.001"}
    with up_running("--backend", "memory", DEMO_PROXIES=proxies, **slow) as process:
        ready = next_line(process)
        comments = f"{ready['web']}/api/posts/1/comments"
        codes = [
            httpx.post(comments, json=COMMENT, headers={"x-forwarded-for": address}).status_code
            for address in (f"192.0.2.{number}" for number in range(4))
        ]
        holder = {"authorization": f"Bearer {ready['token']}"}
        assert httpx.post(comments, json=COMMENT, headers=holder).is_success
    assert codes == ([201] * 4 if believed else [201, 201, 429, 429])


def test_a_listener_goes_on_after_the_last_event_that_it_has_seen(client: Client, holder) -> None:
    with _listening(holder) as lines:
        first = client.comment()["job_id"]
        seen = next(line for line in lines if line.startswith("id: "))
    second = client.comment()["job_id"]
    with _listening(holder, **{"last-event-id": seen.removeprefix("id: ")}) as lines:
        events = ""
        while not all(f'"job": "{job}", "event": "done"' in events for job in (first, second)):
            events += next(lines)
    assert events.count(f'"job": "{second}", "event": "claimed"') == 1
    assert seen not in events


def test_many_listeners_share_one_connection_to_redis(client: Client, holder) -> None:
    with ExitStack() as stack:
        listeners = [stack.enter_context(_listening(holder)) for _ in range(8)]
        job = client.comment()["job_id"]
        for lines in listeners:
            assert next(line for line in lines if f'"job": "{job}", "event": "done"' in line)
        connections = client.redis().client_list
        reading = until(lambda: [one for one in connections() if one["cmd"] == "xread"
                                 and "b" in one["flags"]])  # fmt: skip
        assert len(reading) == 1


@contextmanager
def _listening(holder: httpx.Client, **headers: str) -> Iterator[Iterator[str]]:
    """Yield the lines of the event stream after its first `tick`. No later event is missed."""
    headers = {**holder.headers, **headers}
    address = f"{holder.base_url}/api/events"
    with httpx.stream("GET", address, headers=headers, timeout=60) as events:
        lines = events.iter_lines()
        assert next(line for line in lines if line == "event: tick")
        yield lines
