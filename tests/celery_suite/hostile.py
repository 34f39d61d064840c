"""Messages that no Celery producer would write, and a worker that they are put before.

Anybody who reaches Redis may put such a message in: an older program, one in another language, one
with a mistake. tests/broker/test_hostile.py puts each into the queue of a real worker, with an
honest job behind it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery_suite.outside import Shop
from demo_app.broker.inspect import get_jobs
from demo_app.broker.queue import Kind

#: The states in which nothing more happens to a message.
ENDED = ("done", "dead", "discarded", "gone")
Message = dict[str, Any]


def honest(job_id: str = "") -> Message:
    """A message as Celery writes it; its task packs a parcel that is named after the job."""
    job_id = job_id or str(uuid.uuid4())
    body = [[], {"parcel": job_id}, dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))]
    headers: Message = {"lang": "py", "task": "shop.pack", "id": job_id, "root_id": job_id}
    headers |= dict.fromkeys(("parent_id", "group", "eta", "expires", "shadow", "stamps"))
    headers |= {"retries": 0, "timelimit": [None, None], "argsrepr": "()", "kwargsrepr": "{}"}
    info = {"exchange": "", "routing_key": "celery"}
    properties: Message = {"correlation_id": job_id, "reply_to": "", "delivery_mode": 2}
    properties |= {"delivery_info": info, "priority": 0, "body_encoding": "utf-8"}
    return {
        "body": json.dumps(body),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": properties | {"delivery_tag": job_id},
    }


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


_NOTHING = object()


def _with(*path: str, value: Any = _NOTHING) -> Callable[[Message], str]:
    """The honest message with one thing in it replaced, or without it."""

    def made(message: Message) -> str:
        place: Any = message
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        if value is _NOTHING:
            del place[path[-1]]
        return json.dumps(message)

    return made


def _headers(**headers: Any) -> Callable[[Message], str]:
    return lambda message: json.dumps({**message, "headers": {**message["headers"], **headers}})


def _body(*parts: Any) -> Callable[[Message], str]:
    return _with("body", value=json.dumps(parts))


def _deep_header(depth: int) -> Callable[[Message], str]:
    marked = _headers(deep="HERE")
    return lambda message: marked(message).replace('"HERE"', _nested(depth))


#: What is wrong with a message -> the message as text.
HOSTILE: dict[str, Callable[[Message], str]] = {
    "no JSON": lambda _: "{",
    "no text": lambda _: "",
    "a list": lambda _: "[]",
    "a number": lambda _: "7",
    "null": lambda _: "null",
    "nested 100,000 deep": lambda _: _nested(100_000),
    "a header nested 300 deep": _deep_header(300),
    "a header nested 900 deep": _deep_header(900),
    "a header nested 100,000 deep": _deep_header(100_000),
    "arguments nested 100,000 deep": _with("body", value=f"[{_nested(100_000)},{{}},{{}}]"),
    "no headers": _with("headers"),
    "headers: null": _with("headers", value=None),
    "headers: a list": _with("headers", value=[]),
    "no task": _with("headers", "task"),
    "a task that nobody knows": _headers(task="shop.gone"),
    "task: a number": _headers(task=7),
    "task: a list": _headers(task=["shop.pack"]),
    "no id": _with("headers", "id"),
    "id: null": _headers(id=None),
    "id: a list": _headers(id=["x"]),
    "id: an object": _headers(id={"x": 1}),
    "stamped_headers: a number": _headers(stamped_headers=7, stamps={"a": 1}),
    "stamped_headers: lists": _headers(stamped_headers=[["a"]], stamps={"a": 1}),
    "stamps: a list": _headers(stamped_headers=["a"], stamps=["b"]),
    "timelimit: a number": _headers(timelimit=7),
    "timelimit: words": _headers(timelimit=["a", "b"]),
    "timelimit: three of them": _headers(timelimit=[1, 2, 3]),
    "timelimit: below zero": _headers(timelimit=[-1, -1]),
    "expires: a word": _headers(expires="soon"),
    "expires: a list": _headers(expires=[1]),
    "expires: the year 0": _headers(expires="0000-01-01T00:00:00"),
    "expires: a number": _headers(expires=1e30),
    "retries: a word": _headers(retries="many"),
    "group_index: an object": _headers(group={"a": 1}, group_index={}),
    "shadow: a list": _headers(shadow=["x"]),
    "root_id: an object": _headers(root_id={"x": 1}),
    "ignore_result: a word": _headers(ignore_result="perhaps"),
    "kwargsrepr: an object": _headers(argsrepr={"a": 1}, kwargsrepr=[2]),
    "no body": _with("body"),
    "body: null": _with("body", value=None),
    "body: an object": _with("body", value={"a": 1}),
    "body: no JSON": _with("body", value="{"),
    "body: a number": _with("body", value="7"),
    "body: one part": _body([]),
    "body: four parts": _body([], {}, {}, {}),
    "args: a number": _body(7, {}, {}),
    "kwargs: a list": _body([], ["parcel"], {}),
    "kwargs: that the task does not take": _body([], {"stranger": 1}, {}),
    "embed: a list": _body([], {"parcel": "x"}, ["a"]),
    "embed: a number": _body([], {"parcel": "x"}, 7),
    "callbacks: a number": _body([], {"parcel": "x"}, {"callbacks": 7}),
    "errbacks: a number": _body([], {"stranger": 1}, {"errbacks": 7}),
    "chain: an object": _body([], {"parcel": "x"}, {"chain": {"a": 1}}),
    "chord: a word": _body([], {"parcel": "x"}, {"chord": "x"}),
    "content-type: unknown": _with("content-type", value="application/x-strange"),
    "content-type: refused": _with("content-type", value="application/x-python-serialize"),
    "content-type: a list": _with("content-type", value=["application/json"]),
    "content-encoding: unknown": _with("content-encoding", value="x-strange"),
    "content-encoding: a number": _with("content-encoding", value=7),
    "compression: unknown": _headers(compression="x-strange"),
    "compression: not so": _headers(compression="application/x-gzip"),
    "no properties": _with("properties"),
    "properties: a list": _with("properties", value=[]),
    "body_encoding: unknown": _with("properties", "body_encoding", value="base85"),
    "body_encoding: not so": _with("properties", "body_encoding", value="base64"),
    "body_encoding: a number": _with("properties", "body_encoding", value=64),
    "delivery_info: a list": _with("properties", "delivery_info", value=[]),
    "delivery_info: null": _with("properties", "delivery_info", value=None),
    "priority: a word": _with("properties", "priority", value="high"),
    "correlation_id: an object": _with("properties", "correlation_id", value={"a": 1}),
    "reply_to: an object": _with("properties", "reply_to", value={"a": 1}),
}


class Strangers:
    """One worker, and the messages that are put before it, one after the other."""

    def __init__(self, folder: Path, transport: str, pool: str) -> None:
        late = {"task_acks_late": True, "task_reject_on_worker_lost": True}
        options = {"poison_pause": 0.1} if transport == "claims" else {}
        self.shop = Shop(folder, transport, pool, broker_transport_options=options, **late)
        self.worker: subprocess.Popen[bytes] = self.shop.start_worker()

    def put(self, text: str | bytes, job_id: str = "") -> str:
        """Put a message into the queue, as a program that writes to Redis itself would; returns the
        id of its job."""
        job_id = job_id or str(uuid.uuid4())
        if self.shop.transport == "stock":
            self.shop.redis.lpush("celery", text)
        else:
            self.shop.queue.publish(text, job_id, "celery", kind=Kind.JOB)
        return job_id

    def put_honest(self) -> str:
        """Put an honest job in; returns its id, which is its parcel too."""
        job_id = str(uuid.uuid4())
        return self.put(json.dumps(honest(job_id)), job_id)

    def state(self, job_id: str) -> str:
        """Where a message is: a state of claims; of stock queued, unacknowledged, or gone."""
        if self.shop.transport == "claims":
            found = get_jobs(self.shop.redis, [job_id])
            return found[0].state.value if found else "gone"
        if self.shop.redis.llen("celery"):
            return "queued"
        return "unacknowledged" if self.shop.redis.hlen("unacked") else "gone"

    def reason(self, job_id: str) -> str:
        """What the last event of a job's history says."""
        return str(json.loads(self.shop.redis.lindex(f"job:{job_id}", -1))[3])

    def has_ended(self, job_id: str) -> bool:
        """Whether nothing more will happen to the message."""
        return self.state(job_id) in ENDED

    def meet_all(self, texts: list[str]) -> list[str]:
        """Put the texts in, and an honest job behind them; returns the state of each when all have
        ended. Raises TimeoutError when one does not, or the honest job is not done."""
        jobs = [self.put(text) for text in texts]
        good = self.put_honest()
        log = self.shop.folder / "worker-1.log"
        self.shop.until(
            lambda: good in self.shop.times("ended") and all(map(self.has_ended, jobs)),
            f"the end of {texts!r:.2000}", self.worker, log,
        )  # fmt: skip
        return [self.state(job) for job in jobs]


@contextmanager
def strangers(transport: str, pool: str) -> Iterator[Strangers]:
    """A worker in a folder of its own; everything ends with the block."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        met = Strangers(Path(folder) / "shop", transport, pool)
        try:
            yield met
        finally:
            met.shop.close()
