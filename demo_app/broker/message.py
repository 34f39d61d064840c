"""A job's message in Redis: version 2 of Celery's message protocol, as readable JSON.

Source: Celery's manual, "Message Protocol". Composing a message here takes a tenth of the time of
a full Celery producer.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from .events import moment_of
from .keys import class_list_of, queue_of

#: The property of a delivered message that contains the job's id in Redis, which differs from
#: Celery's task id if several jobs have the same task id.
JOB = "job"
_EMBED = '{"callbacks":null,"errbacks":null,"chain":null,"chord":null}'
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_quoted = json.encoder.encode_basestring  # returns a text as a JSON string


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a message.

    Attributes:
        arguments: None if they were deleted from Redis after the job had ended.
        enqueued_at: seconds since the epoch.
        written_list: the list in a parsed message; "" to choose it by queue and priority.
    """

    id: str
    task: str
    arguments: dict[str, Any] | None
    queue: str
    priority: int = 0
    retries: int = 0
    enqueued_at: float = 0.0
    owner: str = ""
    written_list: str = field(default="", compare=False)

    @property
    def list_name(self) -> str:
        """The list in which the job waits: for example ``mail``, ``mail:high`` or ``mail:low``."""
        return self.written_list or class_list_of(self.queue, self.priority)


def is_job(headers: Mapping[str, Any]) -> bool:
    """Return True if a message with these headers is a task of protocol 2.

    Any other message (such as a task of protocol 1) is only delivered, without history or ETA.
    """
    return bool(headers.get("task") and headers.get("id"))


def compose(message: Message) -> str:
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
        f'"list":{_quoted(message.list_name)}}},'
        f'"priority":{message.priority},"body_encoding":"utf-8","delivery_tag":{job_id}}}}}'
    )


def list_in(text: str) -> str:
    """Return the list of a message, or "" if the message is malformed."""
    with suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
        info = json.loads(text)["properties"]["delivery_info"]
        return str(info.get("list") or info["routing_key"])
    return ""


def parse_or_quote(job_id: str, text: str) -> Message:
    """Parse a message for a page.

    A malformed message (from another program) becomes the argument of a task `unreadable`.

    Args:
        job_id: the job's id in Redis. It replaces the id in the message, which may differ (see
            `enqueue.lua`).
    """
    with suppress(ValueError, AttributeError, OverflowError, RecursionError):
        message = parse(text)
        if isinstance(message.task, str) and isinstance(message.list_name, str):
            shown = [message.task, message.list_name, message.arguments]
            json.dumps(shown, ensure_ascii=False, allow_nan=False).encode()
            return replace(message, id=job_id, enqueued_at=moment_of(message.enqueued_at))
    return Message(job_id, "unreadable", {"message": text[:1000]}, "")


def next_try(text: str) -> str:
    raw = json.loads(text)
    raw["headers"]["retries"] = int(raw["headers"].get("retries") or 0) + 1
    raw["headers"]["eta"] = None
    # other Celery producers do not set this time: count the job's age from its first failure
    raw["headers"].setdefault("enqueued_at", time.time())
    return _dumps(raw)


def parse(text: str | bytes) -> Message:
    """Parse a message.

    Raises:
        ValueError: the text is not a message of the protocol.
    """
    raw = json.loads(text)
    try:
        return read(raw["headers"], raw["properties"], _arguments(raw, raw["headers"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the message does not follow Celery's protocol 2: {error!r}") from error


def read(
    headers: Mapping[str, Any], properties: Mapping[str, Any], arguments: dict[str, Any] | None
) -> Message:
    info = properties["delivery_info"]
    list_name = info.get("list", info["routing_key"])
    return Message(
        id=headers["id"],
        task=headers["task"],
        arguments=arguments,
        queue=queue_of(list_name),
        priority=int(properties.get("priority") or 0),
        written_list=list_name,
        retries=int(headers.get("retries") or 0),
        enqueued_at=float(headers.get("enqueued_at") or 0),
        owner=str(headers.get("owner") or ""),
    )


def _arguments(raw: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any] | None:
    """Return the arguments by name (positional ones by number); None if there is no body.

    If only a worker can read the body, return the reprs as `args` and `kwargs`.
    """
    if "body" not in raw:
        return None
    try:
        args, kwargs, _ = json.loads(raw["body"])
        return {**{str(number): value for number, value in enumerate(args)}, **kwargs}
    except (ValueError, TypeError):  # pickled or compressed: only a worker can read it
        shown = {"args": headers.get("argsrepr"), "kwargs": headers.get("kwargsrepr")}
        return {name: value for name, value in shown.items() if value}
