"""The command that moves jobs to or from this broker while workers of both brokers run."""

import argparse
import json
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import redis
from celery.contrib.migrate import migrate_tasks, republish
from kombu.transport import redis as kombu_redis

from .channel import Channel
from .claim import Disposition, Ending
from .connection import Decoded
from .error_kinds import is_temporary, reason_of
from .events import State
from .keys import queue_of
from .message import list_in
from .process import in_flight_here
from .transport import Transport

#: Seconds that workers of stock Celery have to report the jobs that they hold.
_ANSWER = 2.0
#: The reason why jobs of living workers are not moved.
_HELD = "held by workers; run this again when they have ended"


class _Move:
    """A move of messages to another broker, with its counters.

    Attributes:
        left: the number of jobs that were not moved, by reason.
        dead: the number of dead jobs, which are not moved either.
    """

    def __init__(self, app: Any, source: Any, target: Any) -> None:
        self.app, self.source = app, source
        self.channel = source.default_channel
        self.moved, self.dead, self.left = 0, 0, Counter[str]()
        self._target = target
        self._producer = app.amqp.Producer(target, auto_declare=False)

    def declare(self, queues: Iterable[str]) -> None:
        for name in queues:
            self.app.amqp.queues[name](self._target.default_channel).declare()

    def carry(self, message: Any, queue: str) -> None:
        republish(self._producer, message, exchange="", routing_key=queue)
        self.moved += 1

    def carry_text(self, text: str | bytes, queue: str, due: float | None = None) -> bool:
        with self.left_if_unreadable():
            payload = json.loads(text)
            if due is not None:  # the job layer's messages have no ETA
                payload["headers"]["eta"] = datetime.fromtimestamp(due, UTC).isoformat()
            self.carry(self.channel.Message(payload, channel=self.channel), queue)
            return True
        return False

    @contextmanager
    def left_if_unreadable(self) -> Iterator[None]:
        """Suppress the error of an unreadable message in the block, and count the message."""
        try:
            yield
        except Exception as error:
            if is_temporary(error):
                raise
            self.left[f"can't be read ({reason_of(error)})"] += 1


def migrate(app: Any, options: argparse.Namespace) -> int:
    """Move waiting jobs from one broker to another, while workers of both run.

    Each job is removed only after the target has stored it. So if this command is killed, a job may
    exist twice, but is not lost. The command prints the number of jobs that could not be moved, and
    exits with 1 if there are any.
    """
    app.conf.broker_transport = None  # a value would override the transports of the URLs
    with app.connection(options.source) as source, app.connection(options.target) as target:
        if _is_same(source, target):
            print("Both URLs lead to the same broker. Nothing was moved.")
            return 1
        prefix = source.transport_options.get("global_keyprefix", "")
        if not (prefix.isascii() or isinstance(source.transport, Transport)):
            print(f"The prefix {prefix} is not ASCII: kombu cannot find its jobs.")
            return 1
        move = _Move(app, source, target)
        try:
            if isinstance(source.transport, Transport):
                _from_claims(move)
            elif isinstance(source.transport, kombu_redis.Transport):
                _from_stock(move)
            else:
                move.moved = migrate_tasks(source, target, app=app, ack_messages=True, timeout=2.0,
                                           accept=app.conf.accept_content).count  # fmt: skip
        except KeyboardInterrupt:
            print(f"Interrupted. Jobs moved: {move.moved}. Run this again to move the rest.")
            return 130
        finally:
            for one in in_flight_here():
                one.leave()
    print(f"Moved {move.moved} job{'s' * (move.moved != 1)}.")
    for why, number in move.left.items():
        print(f"Left {number} behind: {why}.")
    if move.dead:
        print(f"Dead jobs that were not moved: {move.dead}. Retry or discard them with `web`.")
    return 1 if move.left else 0


def _is_same(source: Any, target: Any) -> bool:
    """Return True if both connections use the same lists, so that a move would never end."""
    if type(source.transport) is not type(target.transport):
        return False
    if not isinstance(source.transport, kombu_redis.Transport):
        return bool(source.as_uri() == target.as_uri())
    mark = f"migrate:{uuid.uuid4()}"  # the same server may have two different URLs
    source.default_channel.client.set(mark, "", px=10_000)
    return bool(target.default_channel.client.delete(mark))


def _from_claims(move: _Move) -> None:
    channel: Channel = move.channel
    queue = channel.in_flight.queue
    client: Decoded = queue.client
    lists = client.smembers(queue.keys("lists"))
    names = sorted({*move.app.amqp.queues, *map(queue_of, lists)})
    move.declare(names)
    for job_id, due, text in queue.due_later():
        name = queue_of(list_in(text))
        if name and name not in names:  # a queue with only scheduled or retrying jobs
            names.append(name)
            move.declare([name])
        if move.carry_text(text, name, due):
            queue.decide(job_id, "moved", by="migrate")
    deadline = time.monotonic() + 4 * queue.options.lease_seconds + 10
    while True:
        for name in names:
            _take_all(move, name)
        seen = queue.snapshot()
        orphaned = sum(one.running for one in seen.workers if not one.alive)
        flowing = sum(one.size for one in seen.queues() if not one.paused)
        if not (orphaned or flowing) or time.monotonic() > deadline:
            break
        time.sleep(queue.options.heartbeat_seconds)  # our heartbeat rescues the orphaned jobs
    unreadable = len(channel.in_flight.held())
    move.dead = seen.count[State.DEAD]
    if queued := seen.count[State.QUEUED]:
        move.left["still queued, for example because the queue is paused"] += queued
    if held := seen.count[State.RUNNING] - unreadable:
        move.left[_HELD] += held


def _take_all(move: _Move, name: str) -> None:
    while True:
        with move.left_if_unreadable():  # an unreadable job is requeued when this process ends
            message = move.channel.basic_get(name)
            if message is None:
                return
            move.carry(message, name)
            done = Ending(Disposition.DONE, "moved to another broker")
            move.channel.in_flight.set_ending(message.delivery_tag, done)
            message.ack()


def _from_stock(move: _Move) -> None:
    channel, prefix = move.channel, move.channel.global_keyprefix
    # do not use kombu's own client, which adds the prefix to each key
    client: Decoded = redis.Redis(connection_pool=channel.pool)
    escaped = "".join(f"\\{sign}" if sign in "\\*?[]" else sign for sign in prefix)
    bound = client.scan_iter(f"{escaped}_kombu.binding.*")
    members = chain.from_iterable(client.smembers(key) for key in bound)
    found = {member.decode("utf-8", "replace").split(channel.sep)[-1] for member in members}
    broadcasts = {name for name in found if "pidbox" in name or name.startswith("celeryev")}
    names = sorted({*move.app.amqp.queues, *found} - broadcasts)
    move.declare(names)
    for name in names:
        for step in channel.priority_steps:
            key = prefix + channel._q_for_pri(name, step)
            _empty(move, client, key, name)
    _carry_unacked(move, client, prefix)


def _empty(move: _Move, client: Decoded, key: str, name: str) -> None:
    """Move the messages of a list, beginning at its head.

    During its move a message is stored in a second list, which no worker consumes. So the message
    is not lost if this command is killed.
    """
    in_transit = f"{key}:migrating"
    while client.lmove(in_transit, key, "LEFT", "RIGHT") is not None:
        pass  # put back messages that an earlier, killed migration has left
    while (text := client.lmove(key, in_transit, "RIGHT", "LEFT")) is not None:
        if move.carry_text(text, name):
            client.lpop(in_transit)
    while client.lmove(in_transit, key, "LEFT", "RIGHT") is not None:
        pass  # put back malformed messages


def _carry_unacked(move: _Move, client: Decoded, prefix: str) -> None:
    """Move the unacknowledged jobs that dead workers had received."""
    channel = move.channel
    unacked = prefix + channel.unacked_key
    tags = client.hkeys(unacked)
    held = set(_held_by_the_living(move)) if tags else set()
    for tag in tags:
        text = client.hget(unacked, tag)
        if text is None:  # the job ended while the workers replied
            continue
        with move.left_if_unreadable():
            payload, exchange, routing_key = json.loads(text)
            if payload["headers"].get("id") in held:
                move.left[_HELD] += 1
                continue
            queues = channel._lookup(exchange, routing_key)
            carried = [move.carry_text(json.dumps(payload), name) for name in queues]
            if not queues:
                move.left["no queue is bound to its exchange"] += 1
            elif all(carried):
                client.hdel(unacked, tag)
                client.zrem(prefix + channel.unacked_index_key, tag)


def _held_by_the_living(move: _Move) -> Iterator[str]:
    inspect = move.app.control.inspect(connection=move.source, timeout=_ANSWER)
    # in the order of a job's life: a job that moves on meanwhile is in a later reply
    for ask in (inspect.scheduled, inspect.reserved, inspect.active):
        for jobs in (ask() or {}).values():
            for job in jobs:
                yield job.get("request", job)["id"]
