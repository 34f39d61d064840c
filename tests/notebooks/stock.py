"""The steps of the playground's stock rung on the real thing: kombu's own transport, a real server,
and processes that are killed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

import redis
from kombu import Connection
from kombu.transport.redis import Channel
from support import until

#: A worker with a prefetch of one, told what to do a line at a time.
WORKER = """
import sys
from kombu import Connection
connection = Connection(sys.argv[1], transport_options={"unacked_restore_throttle": 1})
channel, taken = connection.channel(), []
channel.basic_qos(0, 1, False)
channel.basic_consume("celery", False, taken.append, "worker")
for line in sys.stdin:
    match line.strip():
        case "take":
            connection.drain_events(timeout=30)
        case "ack":
            taken.pop().ack()
        case "look":
            connection.transport.cycle.maybe_restore_messages()
        case "ask":  # and never hear the answer
            connection.transport.cycle.on_poll_start()
    print(taken[-1].headers["id"] if taken else "", flush=True)
"""


def acts(seed: int, most: int = 12) -> list[list[Any]]:
    """What a visitor does in this seed's schedule: after how many ticks, what, to which worker."""
    chance = random.Random(seed)
    deeds = ["comment", "five", "kill", "pause", "cut", "hour", "wipe"]
    weights = [5, 3, 4, 3, 3, 3, 1]
    return [
        [chance.randrange(6), what, chance.choice([1, 2])]
        for what in chance.choices(deeds, weights, k=chance.randrange(4, most))
    ]


class Kombu:
    """Plays the steps that the page took."""

    def __init__(self, client: redis.Redis, url: str) -> None:
        self.client, self.url = client, url.replace("unix://", "redis+socket://")
        self.workers: dict[int, subprocess.Popen[str]] = {}

    def play(self, what: str, number: int = 0, job: str = "") -> None:
        """One step: of a producer, of the worker with that number, or of a hostile world."""
        match what:
            case "put":
                self._put(job)
            case "kill":
                self._kill(number)
            case "wipe":
                self.client.flushall()
            case "hour":  # older by an hour is what an hour makes of them
                for tag in self.client.zrange(Channel.unacked_index_key, 0, -1):
                    self.client.zincrby(Channel.unacked_index_key, -3600, tag)
            case "lose":
                before = self.client.llen("celery")
                self._ask(number, "ask")
                until(lambda: self.client.llen("celery") < before, what="the server's answer")
                self._kill(number)
            case _:
                told = self._ask(number, what)
                assert what != "take" or told == job

    def keys(self) -> dict[str, list[str]]:
        """The jobs of the queue, the next one last, and those not acknowledged, oldest first."""
        noted = self.client.hgetall(Channel.unacked_key)
        order = self.client.zrange(Channel.unacked_index_key, 0, -1)
        assert set(order) == set(noted)
        return {
            "celery": [_job(json.loads(text)) for text in self.client.lrange("celery", 0, -1)],
            "unacked": [_job(json.loads(noted[tag])[0]) for tag in order],
        }

    def _put(self, job: str) -> None:
        with Connection(self.url) as connection, connection.Producer() as producer:
            producer.publish("", routing_key="celery", headers={"id": job})

    def _ask(self, number: int, what: str) -> str:
        if number not in self.workers:
            self.workers[number] = subprocess.Popen(
                [sys.executable, "-c", WORKER, self.url],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        worker = self.workers[number]
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(f"{what}\n")
        worker.stdin.flush()
        return worker.stdout.readline().strip()

    def _kill(self, number: int) -> None:
        if worker := self.workers.pop(number, None):
            worker.kill()
            worker.communicate()

    def close(self) -> None:
        """End the workers."""
        for number in list(self.workers):
            self._kill(number)


def _job(message: dict[str, Any]) -> str:
    return str(message["headers"]["id"])
