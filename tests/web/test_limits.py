"""What a stranger may cost: cookies, comments, and the size of a page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from support import or_none, patience, until

from demo_app.stack import ports
from demo_app.stack.client import Client

COMMENT = {"author": "Reader", "email": "reader@example.test", "body": "Well said."}
TOKEN = "0123456789abcdef"


def test_an_address_of_slashes_makes_no_page_of_dots(reader: httpx.Client) -> None:
    assert len(reader.get("/x" + "/" * 15_000).content) < 20_000


def test_a_page_of_invisible_signs_is_no_larger_than_another(client: Client, holder) -> None:
    for _ in range(60):
        newest = client.comment(2, body="\u202e" * 10_000)["comment_id"]
    answer = holder.get("/posts/2")
    assert answer.is_success
    assert len(answer.content) < 1_500_000
    assert "Older comments are not shown" in answer.text
    assert f'id="comment-{newest}"' in answer.text


@pytest.mark.parametrize(("proxies", "believed"), [("", False), ("127.0.0.1", True)])
def test_whom_a_comment_is_from_is_believed_of_a_named_proxy_only_or_with_the_token(
    tmp_path: Path, proxies: str, believed: bool
) -> None:
    slow = {"DEMO_COMMENT_BURST": "2", "DEMO_COMMENTS_PER_SECOND": "0.001"}
    with web_app(tmp_path, DEMO_PROXIES=proxies, **slow) as (url, _):
        codes = [
            httpx.post(
                f"{url}/api/posts/1/comments",
                json=COMMENT,
                headers={"x-forwarded-for": f"192.0.2.{number}"},
            ).status_code
            for number in range(4)
        ]
        holder = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.post(f"{url}/api/posts/1/comments", json=COMMENT, headers=holder).is_success
    assert codes == ([201] * 4 if believed else [201, 201, 429, 429])


@contextmanager
def web_app(folder: Path, **settings: str) -> Iterator[tuple[str, psutil.Process]]:
    """The web app alone."""
    port = ports.take(0, "web app")
    environment = {
        "DEMO_BACKEND": "memory",
        "DEMO_DIR": str(folder),
        "DEMO_TOKEN": TOKEN,
        "DEMO_WEB_PORT": str(port),
        **settings,
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo_app.web"], env=environment, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: or_none(lambda: httpx.get(f"{url}/posts/1", timeout=5)), what="the web app")
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(patience(10))
        ports.release(port)


def test_a_listener_goes_on_after_the_last_event_that_it_has_seen(client: Client, holder) -> None:
    with _listening(holder) as lines:
        first = client.comment()["job_id"]
        seen = next(line for line in lines if line.startswith("id: "))
    second = client.comment()["job_id"]
    with _listening(holder, **{"last-event-id": seen.removeprefix("id: ")}) as lines:
        told = ""
        while not all(f'"job": "{job}", "event": "done"' in told for job in (first, second)):
            told += next(lines)
    assert told.count(f'"job": "{second}", "event": "claimed"') == 1
    assert seen not in told


@contextmanager
def _listening(holder: httpx.Client, **headers: str) -> Iterator[Iterator[str]]:
    """The lines of the events, from a moment at which nothing is missed any more."""
    headers = {**holder.headers, **headers}
    with httpx.stream("GET", f"{holder.base_url}/api/events", headers=headers, timeout=60) as told:
        lines = told.iter_lines()
        assert next(line for line in lines if line == "event: tick")
        yield lines
