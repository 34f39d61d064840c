"""A job as it lies in Redis: a message of Celery's documented protocol, in readable JSON.

Source: Celery's manual, "Message Protocol", version 2. It is composed here by hand, which
takes a tenth of the time that a full Celery producer needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .events import moment_of
from .keys import class_lane_of, queue_of

#: The property under which a delivered message carries its job's id in Redis, which is not always
#: Celery's task id: several jobs may have the same one.
JOB = "job"
_EMBED = '{"callbacks":null,"errbacks":null,"chain":null,"chord":null}'
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_quoted = json.encoder.encode_basestring  # what it does with a text


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says: which task, with which arguments, for which queue.

    arguments: None when Redis has dropped them, since the job has ended.
    """

    id: str
    task: str
    arguments: dict[str, Any] | None
    queue: str
    priority: int = 0
    retries: int = 0
    enqueued_at: float = 0.0
    owner: str = ""
    written_lane: str = field(default="", compare=False)

    @property
    def lane(self) -> str:
        """The queue's list that fits the priority: ``mail``, ``mail:high`` or ``mail:low``."""
        return self.written_lane or class_lane_of(self.queue, self.priority)


def is_job(headers: Mapping[str, Any]) -> bool:
    """Whether a message with these headers is a task of protocol 2.

    Anything else, one of protocol 1 too, is carried as it is: it has no history and no due moment.
    """
    return bool(headers.get("task") and headers.get("id"))


def compose(message: Message) -> str:
    """The message as JSON text, ready for Redis."""
    arguments = _dumps(message.arguments)
    job_id, queue = _quoted(message.id), _quoted(message.queue)
    owner = f',"owner":{_quoted(message.owner)}' if message.owner else ""
    return (
        f'{{"body":{_quoted(f"[[],{arguments},{_EMBED}]")},"content-encoding":"utf-8",'
        f'"content-type":"application/json","headers":{{"lang":"py","task":{_quoted(message.task)},'
        f'"id":{job_id},"root_id":{job_id},"parent_id":null,"group":null,'
        f'"retries":{message.retries},"eta":null,"expires":null,"timelimit":[null,null],'
        f'"enqueued_at":{message.enqueued_at}{owner}}},"properties":{{"correlation_id":{job_id},'
        f'"delivery_mode":2,"delivery_info":{{"exchange":"","routing_key":{queue},'
        f'"lane":{_quoted(message.lane)}}},'
        f'"priority":{message.priority},"body_encoding":"utf-8","delivery_tag":{job_id}}}}}'
    )


def parse_or_quote(job_id: str, text: str) -> Message:
    """The message; one that can't be read becomes the only argument of a task `unreadable`.

    Other programs may write into the queue, and a page has to show it all the same.
    """
    try:
        message = parse(text)
        if message.id == job_id and isinstance(message.task, str) and isinstance(message.lane, str):
            shown = [message.task, message.lane, message.arguments]
            json.dumps(shown, ensure_ascii=False, allow_nan=False).encode()
            return replace(message, enqueued_at=moment_of(message.enqueued_at))
    except (ValueError, AttributeError, OverflowError, RecursionError):
        pass
    return Message(job_id, "unreadable", {"message": text[:1000]}, "")


def next_try(text: str) -> str:
    """The same message for the next try: all is kept, and one more try is counted."""
    raw = json.loads(text)
    raw["headers"]["retries"] = int(raw["headers"].get("retries") or 0) + 1
    raw["headers"]["eta"] = None
    return _dumps(raw)


def parse(text: str | bytes) -> Message:
    """The message in the JSON text.

    Raises ValueError when it is no message of the protocol.
    """
    raw = json.loads(text)
    try:
        return read(raw["headers"], raw["properties"], _arguments(raw, raw["headers"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a message of Celery's protocol 2: {error}") from error


def read(
    headers: Mapping[str, Any], properties: Mapping[str, Any], arguments: dict[str, Any] | None
) -> Message:
    """The message of these parts, which Celery has read already."""
    info = properties["delivery_info"]
    lane = info.get("lane", info["routing_key"])
    return Message(
        id=headers["id"],
        task=headers["task"],
        arguments=arguments,
        queue=queue_of(lane),
        priority=int(properties.get("priority") or 0),
        written_lane=lane,
        retries=int(headers.get("retries") or 0),
        enqueued_at=float(headers.get("enqueued_at") or 0),
        owner=str(headers.get("owner") or ""),
    )


def _arguments(raw: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any] | None:
    """The arguments by name, as far as they can be read; positional ones are named 0, 1, ..."""
    if "body" not in raw:
        return None
    try:
        args, kwargs, _ = json.loads(raw["body"])
        return {**{str(number): value for number, value in enumerate(args)}, **kwargs}
    except (ValueError, TypeError):  # pickle, or compressed: only its worker can read it
        shown = {"args": headers.get("argsrepr"), "kwargs": headers.get("kwargsrepr")}
        return {name: value for name, value in shown.items() if value}
