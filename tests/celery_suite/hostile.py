"""Messages that no Celery producer would write, and a worker that receives them.

Any client of Redis can enqueue such a message: an old program, a program in another language, a
program with a bug. tests/broker/test_hostile.py sends each to a real worker, followed by a valid
job.
"""

import json
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery_suite.outside import Shop
from demo_app.broker.inspect import get_jobs
from demo_app.broker.queue import Kind

#: The states after which a message's job does not run any more.
ENDED = {"done", "dead", "discarded", "gone"}
Message = dict[str, Any]


def valid_message(job_id: str = "") -> Message:
    """Return a message as Celery writes it, for `shop.pack`. The job's id is the parcel's name."""
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
    """Return a function that sets (or, without `value`, deletes) one value in a message."""

    def changed(message: Message) -> str:
        place: Any = message
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        if value is _NOTHING:
            del place[path[-1]]
        return json.dumps(message)

    return changed


def _headers(**headers: Any) -> Callable[[Message], str]:
    return lambda message: json.dumps({**message, "headers": {**message["headers"], **headers}})


def _body(*parts: Any) -> Callable[[Message], str]:
    return _with("body", value=json.dumps(parts))


def _deep_header(depth: int) -> Callable[[Message], str]:
    marked = _headers(deep="HERE")
    return lambda message: marked(message).replace('"HERE"', _nested(depth))


#: For each fault, a function from a valid message to the text of a hostile one. Random values of
#: wrong types are tested in test_no_message_at_all_stops_the_queue_or_the_worker.
HOSTILE: dict[str, Callable[[Message], str]] = {
    "no JSON": lambda _: "{",
    "no text": lambda _: "",
    "a list": lambda _: "[]",
    "nested 100,000 deep": lambda _: _nested(100_000),
    "a header nested 300 deep": _deep_header(300),
    "a header nested 900 deep": _deep_header(900),
    "a header nested 100,000 deep": _deep_header(100_000),
    "arguments nested 100,000 deep": _with("body", value=f"[{_nested(100_000)},{{}},{{}}]"),
    "no headers": _with("headers"),
    "headers: null": _with("headers", value=None),
    "no task": _with("headers", "task"),
    "a task that nobody knows": _headers(task="shop.gone"),
    "no id": _with("headers", "id"),
    "id: an object": _headers(id={"x": 1}),
    "stamped_headers: a number": _headers(stamped_headers=7, stamps={"a": 1}),
    "timelimit: three of them": _headers(timelimit=[1, 2, 3]),
    "timelimit: below zero": _headers(timelimit=[-1, -1]),
    "expires: the year 0": _headers(expires="0000-01-01T00:00:00"),
    "expires: a number": _headers(expires=1e30),
    "no body": _with("body"),
    "body: an object": _with("body", value={"a": 1}),
    "body: no JSON": _with("body", value="{"),
    "body: one part": _body([]),
    "body: four parts": _body([], {}, {}, {}),
    "args: a number": _body(7, {}, {}),
    "kwargs: that the task does not take": _body([], {"stranger": 1}, {}),
    "errbacks: a number": _body([], {"stranger": 1}, {"errbacks": 7}),
    "content-type: unknown": _with("content-type", value="application/x-strange"),
    "content-type: refused": _with("content-type", value="application/x-python-serialize"),
    "content-encoding: unknown": _with("content-encoding", value="x-strange"),
    "compression: unknown": _headers(compression="x-strange"),
    "compression: not so": _headers(compression="application/x-gzip"),
    "no properties": _with("properties"),
    "body_encoding: unknown": _with("properties", "body_encoding", value="base85"),
    "body_encoding: not so": _with("properties", "body_encoding", value="base64"),
    "priority: a word": _with("properties", "priority", value="high"),
}


class HostileMessages:
    """One worker, and the hostile messages that it receives one after the other."""

    def __init__(self, folder: Path, pool: str) -> None:
        late = {"task_acks_late": True, "task_reject_on_worker_lost": True}
        options = {"poison_pause": 0.1}
        self.shop = Shop(folder, "claims", pool, broker_transport_options=options, **late)
        self.worker: subprocess.Popen[bytes] = self.shop.start_worker()

    def put(self, text: str | bytes, job_id: str = "") -> str:
        job_id = job_id or str(uuid.uuid4())
        self.shop.queue.publish(text, job_id, "celery", kind=Kind.JOB)
        return job_id

    def state(self, job_id: str) -> str:
        found = get_jobs(self.shop.queue, [job_id])
        return found[0].state.value if found else "gone"

    def reason(self, job_id: str) -> str:
        """Return the detail of the last event of a job."""
        return str(json.loads(self.shop.redis.lindex(f"job:{job_id}", -1))[3])

    def publish_all(self, texts: list[str]) -> list[str]:
        """Enqueue the texts, and then a valid job. Return the final state of each text's job.

        Raises:
            TimeoutError: a job does not reach a final state, or the valid job is not done.
        """
        jobs, good = [self.put(text) for text in texts], str(uuid.uuid4())
        self.put(json.dumps(valid_message(good)), good)
        self.shop.until(
            lambda: good in self.shop.times("ended") and ENDED.issuperset(map(self.state, jobs)),
            f"the end of {texts!r:.2000}",
            self.worker,
        )
        return [self.state(job) for job in jobs]
