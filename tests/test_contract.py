"""Tests of the project's contract with other programs. They use one running stack like any client.

`web/test_web_security.py` tests the access control, and `local_smtp` tests the mail sink.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support import COMMENT, until

from demo_app.stack import Stack
from demo_app.stack.client import Client

STATES = ("queued", "running", "scheduled", "retrying", "dead", "done", "discarded")
STACK = {"workers": 1}


@pytest.fixture
def web(client: Client) -> httpx.Client:
    return client.web


@pytest.fixture
def inbox(client: Client) -> Iterator[httpx.Client]:
    yield client.inbox
    client.set_faults()


def _post(web: httpx.Client, post: int = 1, **changes: Any) -> httpx.Response:
    return web.post(f"/api/posts/{post}/comments", json={**COMMENT, **changes})


def _job(web: httpx.Client, job_id: str) -> dict[str, Any]:
    output = web.get(f"/api/jobs/{job_id}")
    return output.json() if output.status_code == 200 else {"state": ""}


def test_the_blog_is_open_and_shows_posts(stack: Stack) -> None:
    for path, status in (("/", 200), ("/posts/1", 200), ("/posts/99", 404), ("/healthz", 200)):
        assert httpx.get(f"{stack.ready['web']}{path}").status_code == status


def test_a_comment_leads_to_a_job_and_a_mail(web: httpx.Client, inbox: httpx.Client) -> None:
    answer = _post(web)
    assert answer.status_code == 201
    assert set(answer.json()) == {"comment_id", "job_id"}
    job_id = answer.json()["job_id"]
    job = until(lambda: (j := _job(web, job_id))["state"] == "done" and j, what="the job")
    output = {"id", "task", "args", "state", "position", "owner", "deliveries", "attempts"}
    assert output | {"enqueued_at", "timeline", "message_id"} <= set(job)
    assert job["args"] is None, "it is done"
    assert all({"event", "at", "by"} <= set(event) for event in job["timeline"])
    assert job["timeline"][0]["event"] == "enqueued"
    mails = inbox.get("/api/messages", params={"limit": 200}).json()
    assert {"total", "messages", "next"} <= set(mails)
    (mail,) = [m for m in mails["messages"] if m["message_id"] == job["message_id"]]
    parts = {"id", "message_id", "from", "to", "subject", "received_at", "deliveries", "size"}
    assert parts <= set(mail)
    assert inbox.get(f"/api/messages/{mail['id']}").status_code == 200
    raw = inbox.get(f"/api/messages/{mail['id']}/raw").content
    assert job["message_id"].encode() in raw


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"author": ""}, 422, "author"),
        ({"author": "   "}, 422, "author"),
        ({"email": "nobody"}, 422, "e-mail"),
        ({"email": "a@b\r\nBcc: c@d"}, 422, "e-mail"),
        ({"body": ""}, 422, "empty"),
        ({"body": "x" * 10_001}, 413, "10,000"),
        ({"body": 7}, 422, "body"),
        ({"post": 99}, 404, "99"),
    ],
)
def test_a_comment_that_cannot_be_taken_gets_a_sentence_and_leaves_nothing(
    web: httpx.Client, changes: dict[str, Any], status: int, words: str
) -> None:
    before = web.get("/api/jobs/summary").json()["enqueued"]
    answer = _post(web, **changes)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert web.get("/api/jobs/summary").json()["enqueued"] == before


def test_the_summary_has_every_state_and_is_conserved(web: httpx.Client) -> None:
    seen = web.get("/api/jobs/summary").json()
    assert {"enqueued", *STATES, "conserved", "workers", "backend"} <= set(seen)
    assert seen["conserved"] is True
    assert seen["enqueued"] == sum(seen[state] for state in STATES)
    (worker,) = seen["workers"]
    assert {"id", "pid", "alive", "running"} <= set(worker)


@pytest.mark.parametrize("state", STATES)
def test_every_state_can_be_listed_a_page_at_a_time(web: httpx.Client, state: str) -> None:
    page = web.get("/api/jobs", params={"state": state, "limit": 1}).json()
    assert set(page) == {"jobs", "next"}
    assert len(page["jobs"]) <= 1


def test_a_job_that_waits_can_be_retried_and_discarded(
    stack: Stack, web: httpx.Client, inbox: httpx.Client
) -> None:
    refuse = {"at": "rcpt", "do": "answer", "code": 550, "text": "no such mailbox"}
    assert inbox.put("/api/faults", json=[refuse]).status_code == 200
    jobs = [_post(web).json()["job_id"] for _ in range(2)]
    for job_id in jobs:
        until(lambda job_id=job_id: _job(web, job_id)["state"] == "dead", what="the refusal")
    inbox.delete("/api/faults")
    assert web.post(f"/api/jobs/{jobs[0]}/retry").status_code == 200
    until(lambda: _job(web, jobs[0])["state"] == "done", what="the second try")
    assert web.post(f"/api/jobs/{jobs[1]}/discard").status_code == 200
    assert _job(web, jobs[1])["state"] == "discarded"
    assert web.post(f"/api/jobs/{jobs[1]}/retry").status_code == 409
    assert web.post("/api/jobs/nobody/retry").status_code == 404


def test_events_tell_of_each_change_as_it_happens(web: httpx.Client) -> None:
    with web.stream("GET", "/api/events", timeout=30.0) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        next(lines)  # the stream has begun, so no event is missed from now on
        job_id = _post(web).json()["job_id"]
        events = (json.loads(line.removeprefix("data:")) for line in lines if job_id in line)
        assert [next(events)["event"] for _ in range(3)] == ["enqueued", "claimed", "done"]
