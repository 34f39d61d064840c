"""A real Redis server in which time stands still until somebody moves it, and whose whole content
can be taken out and put back: what an exploration of all interleavings runs on.

The server does every command itself. Only three things come from here: what the time is, which keys
have expired by then (``frozen.lua``), and whether the server was started again meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import redis

from demo_app.judge.server import CONTENT
from demo_app.stack import redis_server
from demo_app.stack.options import Options

#: Key, type and parts of everything in a server; times to live are in the key `EXPIRY`.
Content = tuple[tuple[str, str, tuple[str, ...]], ...]
EXPIRY = "\1expiry"
#: A script upon a content: the content, the script's SHA1, its words.
Asked = tuple[Any, ...]
#: Seconds after which a script that does not end is taken for one that never will.
_PATIENCE = 10.0
#: Answers that are remembered: a script's are told by the content that it met.
_REMEMBERED = 50_000

_SAVE = CONTENT.replace(", stream = {'XRANGE', '-', '+'}", "")  # what is only looked at
_LOAD = """
redis.call('FLUSHDB')
local WRITE = {string = {'SET'}, list = {'RPUSH'}, hash = {'HSET'}, set = {'SADD'}, zset = {'ZADD'}}
local at = 1
while ARGV[at] do
  local key, kind, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  for first = at + 3, at + 2 + count, 1000 do
    redis.call(WRITE[kind][1], key, unpack(ARGV, first, math.min(first + 999, at + 2 + count)))
  end
  at = at + 3 + count
end
"""


class Wanted(BaseException):
    """What a script does is not known yet; asked: see `FrozenRedis.ask`."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


class Hangs(Exception):
    """A script did not end; the server was started anew, empty."""


class FrozenRedis:
    """See the module. folder: for its socket. now: epoch seconds. run: which start of it this is.
    whole: whether its content is taken out with each answer, as long as there is little of it.
    later: whether a script whose doing is not known raises Wanted, to be asked with many others.

    A context manager: the server ends with the block, or with this process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.now, self.run, self.whole, self.later = 1e9, 1, True, False
        self._known: set[str] = set()
        self._texts: dict[str, str] = {}
        self.memory: dict[tuple[Any, ...], tuple[Any, Content]] = {}
        self._ends = ExitStack()
        self._start()

    def _start(self) -> None:
        server = redis_server.running(self._folder, Options(persistence=False))
        self.url = self._ends.enter_context(server)
        path = self.url.partition("://")[2]
        self.client = redis.Redis(unix_socket_path=path, decode_responses=True)
        connection: Any = self.client.connection_pool.make_connection()
        connection.socket_timeout = _PATIENCE
        self._connection = connection
        self._known.clear()
        self._content: Content | None = None
        self._stale = False

    def __enter__(self) -> FrozenRedis:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._connection.disconnect()
        self._ends.close()

    def script(self, text: str, arguments: Sequence[str | float]) -> Any:
        """Run a script; returns what it returns.

        Raises redis.ResponseError when it fails, and Hangs when it does not end.
        """
        seconds, micros = divmod(round(self.now * 1e6), 1_000_000)
        return self._eval(_with_clock(text), (seconds, micros, self.run, *arguments))

    def command(self, *words: str | float) -> Any:
        """Run one command, as a script would."""
        return self.script("return redis.call(unpack(ARGV))", words)

    def save(self) -> Content:
        """All that is in it, in an order of its own; streams apart."""
        if self._content is None:
            (found,) = self._send([("EVAL", _SAVE, 0)])
            self._content = _content(found)
        return self._content

    def read(self, key: str) -> Sequence[str]:
        """All that one key has; see `Content`."""
        if self.whole:
            return next((parts for name, _, parts in self.save() if name == key), ())
        one = _SAVE.replace("redis.call('KEYS', '*')", "ARGV")
        ((*found,),) = self._send([("EVAL", one, 0, key)])
        return found[0][2] if found else ()

    def has(self, key: str) -> bool:
        """Whether there is such a key."""
        return bool(self.read(key) if self.whole else self.client.exists(key))

    def load(self, content: Content) -> None:
        """Put back what `save` gave, and nothing else."""
        self._content, self._stale = content, True

    def _eval(self, text: str, arguments: Sequence[str | float]) -> Any:
        sha = _sha(text)
        if not self.whole:
            known = ("EVALSHA", sha) if sha in self._known else ("EVAL", text)
            loading = [_loading(self._content or ())] if self._stale else []
            self._stale, self._content = False, None
            *_, answer = self._send([*loading, (*known, 0, *arguments)])
            self._known.add(sha)
            return _told(answer)
        asked: Asked = (self.save(), sha, *arguments)
        self._texts[sha] = text
        if asked not in self.memory:
            if self.later:
                raise Wanted(asked)
            self.ask([asked])
        answer, self._content = self.memory[asked]
        self._stale = True
        return _told(answer)

    def ask(self, wanted: Sequence[Asked]) -> None:
        """Run these scripts, each upon its own content, in one round trip, and remember what they
        did: a script's doing is told by its text, its words and the content that it met."""
        if len(self.memory) > _REMEMBERED:
            self.memory.clear()
        commands: list[tuple[Any, ...]] = []
        for content, sha, *arguments in wanted:
            known = ("EVALSHA", sha) if sha in self._known else ("EVAL", self._texts[sha])
            self._known.add(sha)
            commands += [_loading(content), (*known, 0, *arguments), ("EVAL", _SAVE, 0)]
        answers = self._send(commands)
        self._stale = True
        for asked, answer, content in zip(wanted, answers[1::3], answers[2::3], strict=True):
            self.memory[asked] = answer, _content(content)

    def does_the_same(self, text: str, other: str) -> bool:
        """Whether another script does what this one did, each time that it was run."""
        known, new = _sha(_with_clock(text)), _with_clock(other)
        self._texts[_sha(new)] = new
        met = [asked for asked in self.memory if asked[1] == known]
        for first in range(0, len(met), 100):
            some = {asked: (asked[0], _sha(new), *asked[2:]) for asked in met[first : first + 100]}
            self.ask(list(some.values()))
            if any(repr(self.memory[was]) != repr(self.memory[now]) for was, now in some.items()):
                return False
        return True

    def _send(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands))
            return [self._answer() for _ in commands]
        except redis.TimeoutError:
            self.__exit__()
            self._start()
            raise Hangs("a script does not end") from None

    def _answer(self) -> Any:
        try:
            return self._connection.read_response()
        except redis.ResponseError as error:
            return error


def _loading(content: Content) -> tuple[str | int, ...]:
    """The command that puts it back."""
    flat: list[str | int] = ["EVAL", _LOAD, 0]
    for key, kind, parts in content:
        flat += (key, kind, len(parts))
        flat += parts if kind != "zset" else [
            part for n in range(0, len(parts), 2) for part in (parts[n + 1], parts[n])
        ]  # fmt: skip
    return tuple(flat)


def _told(answer: Any) -> Any:
    if isinstance(answer, redis.ResponseError):
        raise answer
    return answer


def _content(found: list[Any]) -> Content:
    return tuple(sorted((key, kind, _ordered(kind, parts)) for key, kind, parts in found))


def _ordered(kind: str, parts: list[str]) -> tuple[str, ...]:
    if kind == "set":
        return tuple(sorted(parts))
    if kind == "hash":
        pairs = sorted(zip(parts[::2], parts[1::2], strict=True))
        return tuple(part for pair in pairs for part in pair)
    return tuple(parts)


@cache
def _with_clock(text: str) -> str:
    flags, newline, rest = text.partition("\n") if text.startswith("#!") else ("", "", text)
    clock = (files("demo_app.judge") / "frozen.lua").read_text("utf-8")
    return flags + newline + clock + rest


@cache
def _sha(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
