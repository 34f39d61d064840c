"""Faults, their types, and the context of an injector."""

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


#: Every second mail takes 0.4 s, so that a worker often has a job when a fault happens.
USUAL: Rule = {"at": "data", "do": "wait", "seconds": 0.4, "match": {"every": 2}}


class MailRules:
    """The fault rules of the mail server. Safe to use from every thread."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self._client = Client(ready, patience=10.0)
        self._lock = threading.Lock()

    def strike(self, rule: Rule, seconds: float = 10.0) -> float | None:
        """Add the rule for one mail, and wait until a mail matches it. Return the time (epoch
        seconds), or None if no mail matched within `seconds` or the mail server was killed."""
        number = self._add({**rule, "times": 1})
        if number is None:
            return None
        for _ in poll(seconds):
            with suppress(httpx.HTTPError):
                matching = [item for item in self._client.faults() if item["id"] == number]
                if not matching:  # the server was killed, which deletes its rules
                    return None
                if matching[0]["hits"]:
                    return time.time()
        with self._lock, suppress(httpx.HTTPError):
            # otherwise the rule would apply to a later mail
            now = self._client.faults()
            self._client.set_faults(*(item for item in now if item["id"] != number))
        return None

    def only(self, *rules: Rule) -> None:
        """Replace all rules. Without rules the mail server works normally."""
        with suppress(httpx.HTTPError):
            self._client.set_faults(*rules)

    def close(self) -> None:
        self._client.close()

    def _add(self, rule: Rule) -> int | None:
        with self._lock, suppress(httpx.HTTPError):
            # send USUAL again: a mail server that was killed and restarted has lost it
            now = self._client.faults()
            others = [item for item in now if item["seconds"] != USUAL["seconds"]][:60]
            return int(self._client.set_faults(rule, *others, USUAL)[0]["id"])
        return None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that happened.

    Attributes:
        at, over: epoch seconds of its start and end (the same for a kill).
        pids: the affected processes.
    """

    kind: str
    at: float
    over: float
    pids: tuple[int, ...] = ()


@dataclass(slots=True)
class Context:
    """The objects that an injector uses.

    Attributes:
        seconds: the longest wait for an event, such as a reply.
    """

    system: System
    rules: MailRules
    seconds: float = 12.0
    chance: random.Random = field(default_factory=random.Random)

    def hit(self, role: str, number: signal.Signals, kind: str) -> list[Fault]:
        """Send the signal to a random process of the role, for which it may wait. Return the fault;
        [] if there is no such process."""
        pid, now = self.system.one_of(role, self.chance), time.time()
        if pid is None or not self.system.signal(pid, number):
            return []
        return [Fault(kind, now, now, (pid,))]


#: A function that receives lines of the campaign's log.
OnLine = Callable[[str], None]
#: A function that injects a fault, and returns the faults that happened.
Injector = Callable[[Context], list[Fault]]


@dataclass(frozen=True, slots=True)
class FaultType:
    """A type of fault.

    Attributes:
        weight: relative frequency.
        stock: True if it can also happen with stock Celery.
    """

    name: str
    weight: float
    inject: Injector
    stock: bool = True
