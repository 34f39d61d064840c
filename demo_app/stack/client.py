"""A client of a running stack, over HTTP and Redis."""

import ssl
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import redis

from demo_app.broker.connection import connect
from demo_app.rig.polling import poll

Answer = dict[str, Any]

#: No certificate authorities: a stack uses plain HTTP, and loading the system's list takes longer
#: than a request.
_NO_AUTHORITY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

UNFINISHED = ("queued", "running", "retrying", "scheduled")


class Client:
    """A client of a stack. For other requests use its HTTP clients, `web` and `inbox`.

    Args:
        ready: the output of ``up --json``, or `Stack.ready`.
        patience: timeout of a request (seconds).

    Raises:
        httpx.HTTPError: a server can't be reached, or returns an error.
    """

    def __init__(self, ready: Mapping[str, Any], patience: float = 30.0) -> None:
        bearer = {"authorization": f"Bearer {ready['token']}"}
        given: dict[str, Any] = {"headers": bearer, "timeout": patience, "verify": _NO_AUTHORITY}
        given["trust_env"] = False  # no proxy can reach the ports of this machine
        self.web = httpx.Client(base_url=ready["web"], **given)
        self.inbox = httpx.Client(base_url=ready["inbox"], **given)
        self._redis_url = str(ready["redis"])

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.web.close()
        self.inbox.close()

    def redis(self) -> redis.Redis:
        return connect(self._redis_url)

    def comment(
        self,
        post: int = 1,
        author: str = "Reader",
        email: str = "reader@example.test",
        body: str = "Well said.",
        key: str = "",
    ) -> Answer:
        """Post a comment, and return its ``comment_id`` and ``job_id``.

        Args:
            key: an idempotency key. A repeated comment with the same key is stored only once.
        """
        given = {"author": author, "email": email, "body": body}
        headers = {"idempotency-key": key} if key else {}
        return _json(self.web.post(f"/api/posts/{post}/comments", json=given, headers=headers))

    def summary(self) -> Answer:
        """Return the number of jobs in each state, and the workers."""
        return _json(self.web.get("/api/jobs/summary"))

    def at_rest(self) -> bool:
        """Return True if there are no unfinished jobs. A dead job counts as finished.

        The outbox is read before the queue, since jobs move from the outbox to the queue.
        """
        if _json(self.web.get("/healthz"))["outbox"]:
            return False
        summary = self.summary()
        return not any(summary[state] for state in UNFINISHED)

    def job(self, job_id: str) -> Answer:
        return _json(self.web.get(f"/api/jobs/{job_id}"))

    def jobs(self, state: str, limit: int = 200) -> Answer:
        return _json(self.web.get("/api/jobs", params={"state": state, "limit": limit}))

    def decide(self, job_id: str, what: str) -> Answer:
        """Retry a retrying, scheduled or dead job now, or discard it.

        Args:
            what: "retry" or "discard".
        """
        return _json(self.web.post(f"/api/jobs/{job_id}/{what}"))

    def mail_stats(self) -> dict[str, int]:
        """Return the sink's counts: accepted, distinct, duplicates, refused."""
        return _json(self.inbox.get("/api/stats"))

    def mails(self, limit: int = 200, cursor: str | None = None) -> Answer:
        """Return a page of the inbox, the newest mails first."""
        page = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        return _json(self.inbox.get("/api/messages", params=page))

    def all_mails(self) -> list[Answer]:
        page = self.mails(500)
        found: list[Answer] = [*page["messages"]]
        while page["next"] is not None:
            page = self.mails(500, page["next"])
            found += page["messages"]
        return found

    def faults(self) -> list[Answer]:
        return list(_checked(self.inbox.get("/api/faults")).json())

    def set_faults(self, *rules: Answer) -> list[Answer]:
        return list(_checked(self.inbox.put("/api/faults", json=list(rules))).json())

    def wait_for(self, fits: Callable[[Answer], bool], seconds: float = 120.0) -> Answer:
        """Wait until `fits(summary)` is true, and return the summary.

        Raises:
            TimeoutError: the condition did not hold in time. The message contains the last summary.
        """
        return _wait(self.summary, fits, seconds)

    def wait_for_mails(self, distinct: int, seconds: float = 120.0) -> dict[str, int]:
        """Wait until `distinct` different mails have arrived, and return the sink's counts.

        Raises:
            TimeoutError: too few mails arrived in time. The message contains the last counts.
        """
        return _wait(self.mail_stats, lambda seen: bool(seen["distinct"] >= distinct), seconds)


def _wait(read: Callable[[], Answer], fits: Callable[[Answer], bool], seconds: float) -> Answer:
    for _ in poll(seconds):
        if fits(seen := read()):
            return seen
    why = f"the expected state was not reached within {seconds:.0f} s; the last response was {seen}"
    raise TimeoutError(why)


def _json(answer: httpx.Response) -> Answer:
    content: Answer = _checked(answer).json()
    return content


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        asked = f"{answer.request.method} {answer.request.url.path}"
        why = f"{asked}: {answer.status_code} {answer.text[:500]}"
        raise httpx.HTTPStatusError(why, request=answer.request, response=answer)
    return answer
