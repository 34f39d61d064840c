"""What a fault is, what an injector works with, and what a type of fault is."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from chaos.system import System
from demo_app.rig.polling import poll
from demo_app.stack.client import Client

Rule = dict[str, Any]


#: Every second mail takes its time, so that a worker that is hit has something in its hands.
USUAL: Rule = {"at": "data", "do": "wait", "seconds": 0.4, "match": {"every": 2}}


class MailRules:
    """Rules that strike once each, beside the usual one; safe to use from every thread."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self._client = Client(ready, patience=10.0)
        self._lock = threading.Lock()

    def strike(self, rule: Rule, seconds: float = 10.0) -> float | None:
        """Put the rule in force for one mail; returns when it struck, None when it did not."""
        number = self._add({**rule, "times": 1})
        for _ in poll(seconds if number is not None else 0.0):
            with suppress(httpx.HTTPError):
                mine = [known for known in self._client.faults() if known["id"] == number]
                if not mine:  # the server was killed, and its rules with it
                    return None
                if mine[0]["hits"]:
                    return time.time()
        if number is not None:
            self._remove(number)  # else it would strike later, and nobody would know
        return None

    def only(self, *rules: Rule) -> None:
        """These and no others; without any the mail server behaves."""
        with suppress(httpx.HTTPError):
            self._client.set_faults(*rules)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _add(self, rule: Rule) -> int | None:
        with self._lock, suppress(httpx.HTTPError):
            # a server that was killed has forgotten the usual one
            now = self._client.faults()
            others = [known for known in now if known["seconds"] != USUAL["seconds"]][:60]
            return int(self._client.set_faults(rule, *others, USUAL)[0]["id"])
        return None

    def _remove(self, number: int) -> None:
        with self._lock, suppress(httpx.HTTPError):
            now = self._client.faults()
            self._client.set_faults(*(known for known in now if known["id"] != number))


@dataclass(frozen=True, slots=True)
class Fault:
    """One that happened.

    at, over: epoch seconds, when it struck and when it was lifted again (the same for a kill).
    pids: the workers that it took.
    """

    kind: str
    at: float
    over: float
    pids: tuple[int, ...] = ()


@dataclass(slots=True)
class Context:
    """What an injector works with. seconds: how long to wait for what may not come."""

    system: System
    rules: MailRules
    seconds: float = 12.0
    chance: random.Random = field(default_factory=random.Random)

    def hit(self, role: str, number: signal.Signals, kind: str) -> Fault | None:
        """Send a signal to some process of the role. Return None if there is no such process."""
        pid, now = self.system.one_of(role, self.chance), time.time()
        if pid is None or not self.system.signal(pid, number):
            return None
        return Fault(kind, now, now, (pid,))


#: Makes a fault happen; returns the faults that did happen.
Injector = Callable[[Context], list[Fault]]


@dataclass(frozen=True, slots=True)
class FaultType:
    """A type of fault. weight: how often it is chosen. stock: whether stock Celery can have it."""

    name: str
    weight: float
    inject: Injector
    stock: bool = True
