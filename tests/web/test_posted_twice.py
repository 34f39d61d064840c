"""A reader whose answer was lost posts again: it is one comment, and one mail."""

from __future__ import annotations

import re

import httpx

from demo_app.stack.client import Client

COMMENT = {"author": "Aoi", "email": "aoi@example.test", "body": "Did you get this?"}


def _post(reader: httpx.Client, key: str, **changes: str) -> httpx.Response:
    headers = {"idempotency-key": key}
    return reader.post("/api/posts/1/comments", json={**COMMENT, **changes}, headers=headers)


def test_a_program_that_sends_its_key_again_gets_the_same_answer(
    reader: httpx.Client, client: Client
) -> None:
    first, again = _post(reader, "a-key"), _post(reader, "a-key")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    job = first.json()["job_id"]
    client.wait_for(lambda now: job in _done(client) and now["done"] == now["enqueued"])
    mails = client.inbox.get("/api/messages", params={"limit": 200}).json()["messages"]
    assert [mail["job_id"] for mail in mails].count(job) == 1


def _done(client: Client) -> list[str]:
    """All jobs that are done."""
    return [job["id"] for job in client.jobs("done")["jobs"]]


def test_a_form_that_is_sent_twice_makes_one_comment(reader: httpx.Client) -> None:
    page = reader.get("/posts/2").text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    sent = [reader.post("/posts/2", data={**COMMENT, "key": key[1]}) for _ in range(2)]
    assert {answer.status_code for answer in sent} == {303}
    assert sent[0].headers["location"] == sent[1].headers["location"]
    assert reader.get("/posts/2").text.count("Did you get this?") == 1
    assert key[1] not in reader.get("/posts/2").text, "each page has a key of its own"
