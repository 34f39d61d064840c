"""The producer's half of a channel: messages as any Celery producer sends them; their queues."""

from __future__ import annotations

import base64
import json
import logging
import uuid
from datetime import UTC, datetime
from typing import Any

from demo_app.broker.channel import BaseChannel
from demo_app.broker.keys import lane_of, lanes_of
from demo_app.broker.message import is_job
from demo_app.broker.queue import Kind

log = logging.getLogger(__name__)


class Publishing(BaseChannel):
    """Puts each message in as one atomic step."""

    def encode_body(self, body: Any, encoding: str | None = None) -> tuple[Any, str | None]:
        """Text stays as it is, readable in Redis; bytes (pickle, say) travel as base64."""
        if isinstance(body, bytes):
            return base64.b64encode(body).decode("ascii"), "base64"
        return body, "utf-8"

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        """Enqueue what a producer sends; a task with an ETA waits among the scheduled."""
        headers, properties = message.get("headers") or {}, message["properties"]
        lane = lane_of(queue, self._get_message_priority(message, reverse=False))
        properties["delivery_info"]["lane"] = lane
        by, due = f"{headers.get('origin') or 'producer'}", None
        if is_job(headers):
            kind, name = Kind.JOB, headers["id"]
            eta = headers.get("eta")
            due = None if eta is None else _moment(eta)
        else:
            goes = queue in self.auto_delete_queues or queue.endswith(".pidbox")
            kind, name = Kind.TRANSIENT if goes else Kind.MESSAGE, f"~{uuid.uuid4()}"
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=_plain)
        self.in_flight.queue.publish(text, name, lane, kind=kind, by=by, due=due)

    @property
    def supports_batch_publish(self) -> bool:
        """Each message is one atomic step of its own."""
        return False

    # -- queues

    def _new_queue(self, queue: str, auto_delete: bool = False, **kwargs: Any) -> None:
        super()._new_queue(queue, auto_delete=auto_delete, **kwargs)
        expires = (kwargs.get("arguments") or {}).get("x-expires")
        if expires and not (auto_delete or queue.endswith(".pidbox")):
            log.warning("The queue %s is to expire (x-expires); here it stays", queue)

    def _size(self, queue: str) -> int:
        return self.in_flight.queue.size(lanes_of(queue))

    def _has_queue(self, queue: str, **_: Any) -> bool:
        return self._size(queue) > 0

    def _purge(self, queue: str) -> int:
        return self.in_flight.queue.purge(lanes_of(queue), by="purge")

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any
    ) -> None:
        super()._delete(queue, exchange, routing_key, pattern, *args, **kwargs)
        self.in_flight.queue.delete(lanes_of(queue))


def _moment(eta: str) -> float:
    """An ETA as seconds since the epoch; one without a time zone is in UTC."""
    moment = datetime.fromisoformat(eta)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _plain(value: Any) -> str:
    """What JSON does not know, in a header, as kombu's own JSON would write it: as text."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
