"""Saving and loading a world's state, and the key that identifies equal states."""

import io
import pickle
import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo_app.blog import posts, reconciliation
from demo_app.blog.database import SqliteDatabase
from demo_app.blog.loop import Loop
from demo_app.blog.relay import Relay
from demo_app.broker.claim import Claim
from demo_app.broker.options import Options
from demo_app.broker.throttled_log import ThrottledLog
from explore.frozen import EXPIRY, Content
from explore.worker import Client, Logged, Setup, Wire

if TYPE_CHECKING:
    from explore.world import World

#: The pause between two full rounds of the reconciliation: 1 s, however long a round took.
reconciliation._FULL_ROUND_EVERY, reconciliation._ROUND_DURATIONS = 1.0, 0


class Memory(SqliteDatabase):
    def __init__(self, number: int) -> None:
        self.number = number
        self.own = sqlite3.connect(
            ":memory:",
            isolation_level=None,
            cached_statements=0,  # a prepared statement would refer to the data before `load`
        )
        super().__init__(Path("/nowhere"))
        with self.transaction() as transaction:
            transaction.execute("UPDATE blog SET id = ?", (f"blog-{number}",))
        posts.seed(self)

    def _connect(self) -> sqlite3.Connection:
        return self.own


@dataclass
class Blog:
    """A blog's web app.

    Attributes:
        reconciled: True if the blog has reconciled its jobs since the last change of the time.
    """

    relay: Relay
    reconciled: bool = False


class Silent:
    """A replacement, which does nothing, for threads, events and loops.

    The exploration itself takes the steps of these threads.
    """

    failure = ""
    set = join = is_alive = wake = lambda *_, **__: None


_world: list["World"] = []
#: Objects that are not part of a state. Each is created again when a state is loaded.
_ANEW: dict[type, Callable[[Any], tuple[Callable[..., Any], tuple[Any, ...]]]] = {
    type(threading.Lock()): lambda _: (threading.Lock, ()),
    threading.Event: lambda _: (Silent, ()),
    threading.Thread: lambda _: (Silent, ()),
    Silent: lambda _: (Silent, ()),
    Loop: lambda _: (Silent, ()),
    ThrottledLog: lambda _: (ThrottledLog, ()),
    Logged: lambda _: (Logged, ()),
    Wire: lambda wire: (_wire, (wire.setup,)),
    Client: lambda _: (_client, ()),
    Memory: lambda database: (_database, (database.number,)),
    count: lambda counter: (count, (int(repr(counter)[6:-1]),)),
}


def _wire(setup: Setup) -> Wire:
    return Wire(_world[0].server, setup)


def _client() -> Client:
    return Client(_world[0].server)


def _database(number: int) -> Memory:
    return _world[0].databases[number]


def dump(state: Any) -> bytes:
    text = io.BytesIO()
    pickler = pickle.Pickler(text, -1)
    pickler.dispatch_table = _ANEW
    pickler.dump(state)
    return text.getvalue()


def undump(text: bytes, world: "World") -> Any:
    _world[:] = [world]
    return pickle.loads(text)


#: A time as text: epoch seconds with six decimals.
_MOMENT = re.compile(r"\d{9,10}\.\d{6}")
_EVENT = re.compile(r'^\["(\w+)","[^"]*","([^"]*)"')
_RETRIES = re.compile(r'"retries":(\d+)')
_LEFT_OUT = {Options, Setup, *_ANEW}
#: Attributes that a key leaves out: another object has the same state, or no step depends on it.
_KNOWN_ELSEWHERE = ("_rounds", "_in_flight", "_queue", "client", "_run", "_backend", "_database",
                    "_search_until")  # fmt: skip
_TAGGED = ("_held", "_pending", "phase")


_texts: dict[tuple[Any, ...], str] = {}


class Key:
    """The key of a state: equal keys mean the same state.

    Times are relative to the state's own time. Claim numbers and delivery tags are replaced by
    their order. Values on which nothing depends are left out.
    """

    def __init__(self, world: "World", content: Content) -> None:
        self._now = world.now
        self._long_ago = -max(max(setup.lease, setup.beat) for setup in world.plan.processes) - 1.0
        self._content = content
        processes = world.plan.processes
        self._without_meaning = (
            *(() if any(setup.waits for setup in processes) else ("wake:",)),
            # with only one worker, no step depends on the time of the last lease check
            *(() if len(processes) > 1 else ("look",)),
        )
        numbers = {part for key, _, parts in content if key == "running" for part in parts[1::2]}
        for worker in world.workers.values():
            numbers |= {claim.number for claim in worker.here.held().values()}
            numbers |= {claim.number for claim in worker.here.claims._refused}
            numbers |= {one.claim.number for one in worker.on_its_way}
        self._numbers = {number: place for place, number in enumerate(sorted(numbers, key=int))}
        self._tags: dict[str, int] = {}
        facts: list[Any] = [
            world.started,
            world.put,
            world.off,
            world.mark and self._redis(world.mark),
        ]
        facts += [self._redis(content), self._view(vars(world.ledger))]
        for worker in world.workers.values():
            self._tags = {tag: n for n, tag in enumerate(sorted(worker.phase, key=int))}
            facts.append(self._view(vars(worker)))
        for blog, database in zip(world.blogs, world.databases, strict=True):
            facts += [
                self._view(vars(blog)),
                database.read("SELECT id, job_id FROM outbox").fetchall(),
            ]
        self.text = repr(facts)

    def _when(self, moment: float) -> float:
        return max(self._long_ago, round(moment - self._now, 3))

    def _redis(self, content: Content) -> str:
        """Return the key of a content at the current time. The result is cached."""
        cached = (content, self._now, self._long_ago, self._without_meaning, *self._numbers)
        if cached not in _texts:
            if len(_texts) > 20_000:
                _texts.clear()
            _texts[cached] = repr(
                [
                    (key, self._parts(key, parts))
                    for key, _, parts in content
                    if not key.startswith(self._without_meaning)
                ]
            )
        return _texts[cached]

    def _parts(self, key: str, parts: tuple[str, ...]) -> Any:
        if key.startswith("job:"):
            return [self._line(part) for part in parts]
        if key in ("dead", "done", "discarded"):
            return parts[::2]
        pairs = list(zip(parts[::2], parts[1::2], strict=False))
        if key == EXPIRY:
            kept = [pair for pair in pairs if not pair[0].startswith(self._without_meaning)]
            return [(k, self._text(at)) for k, at in kept]
        if key == "running":
            return [(job, self._numbers.get(number)) for job, number in pairs]
        if key == "counters":
            return [pair for pair in pairs if pair[0] not in ("claims", "bytes")]
        if key == "server":
            # `at`, the latest time seen by a script, matters only while the clock is behind it
            found = dict(pairs)
            at, since, ahead = (float(found.get(name, 0)) for name in ("at", "since", "ahead"))
            return max(0.0, self._when(at)), self._when(since), round(ahead, 3)
        if key in ("scheduled", "retrying"):
            return [(job, self._when(float(moment))) for job, moment in pairs]
        return [self._text(part) for part in parts]

    def _line(self, part: str) -> Any:
        event = _EVENT.match(part)
        return event.groups() if event else _RETRIES.findall(part)

    def _text(self, text: str) -> str:
        return _MOMENT.sub(lambda found: str(self._when(float(found[0]))), text)

    def _view(self, value: Any, name: str = "") -> Any:
        kind = type(value)
        if isinstance(value, str):
            return self._text(value) if len(value) > 15 else value
        if kind is float:
            return self._when(value) if value > 5e8 else value
        if kind in (int, bool, type(None)):
            return value
        if kind in _LEFT_OUT:
            return ""
        if kind is Claim:
            return (value.worker, value.id, self._numbers.get(value.number))
        if kind is reconciliation.Reconciliation:
            began = self._when(value._round_began) if value._last_row else 0
            return value._last_row, began, max(0.0, self._when(value._full_round_due))
        if name == "_clock":
            return round(value[0] - value[1], 3)
        if kind in (dict, Counter):
            tags = self._tags if name in _TAGGED else {}
            return [(tags.get(k, k), self._view(v, k)) for k, v in sorted(value.items())]
        if isinstance(value, list | tuple):
            return [self._view(one) for one in value]
        if kind is set:
            tags = self._tags if name in _TAGGED else {}
            return sorted(repr(self._view(tags.get(one, one))) for one in value)
        if is_dataclass(kind):
            return [self._view(getattr(value, f), f) for f in _fields(kind)]
        return [
            (n, self._view(v, n))
            for n, v in vars(value).items()
            if n not in _KNOWN_ELSEWHERE and not callable(v)
        ]


@cache
def _fields(kind: Any) -> list[str]:
    return [one.name for one in fields(kind)]
