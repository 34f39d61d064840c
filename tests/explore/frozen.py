"""A real Redis server with a settable time, whose whole content can be saved and loaded.

The server runs every command itself. Only three things are replaced: the time, the expiry of keys
(``frozen.lua``), and the server's run id.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, Self

import redis

from demo_app.jobs.perform import JobTimeout
from demo_app.judge.server import CONTENT
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import RedisServer

#: The keys of a server, each with its type and its values. The key `EXPIRY` has the expiry times.
Content = tuple[tuple[str, str, tuple[str, ...]], ...]
EXPIRY = "\1expiry"
#: The arguments of EVAL: a script, the number of its keys, its arguments.
Words = tuple[str | float, ...]
#: Seconds after which a script counts as endless.
_PATIENCE = 10.0

SAVE = CONTENT.replace(", stream = {'XRANGE', '-', '+'}", "")  # streams are not part of a state
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


class Hangs(Exception):
    """Raised if a script or a step does not end.

    A server whose script did not end has been replaced by a new, empty server.
    """


#: A run of a script: Redis's content before the run, the script, its arguments.
Run = tuple[Any, ...]
#: Maximum number of cached results. A result depends only on the script, its arguments and the
#: content.
_REMEMBERED = 50_000


class NotStored(JobTimeout):
    """Raised if a script's result is not stored yet. A JobTimeout for the reason of `Halted`.

    Attributes:
        run: the run of the script whose result is missing.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run


class FrozenRedis:
    """A Redis server whose time only the caller changes, and which stores the results of scripts.

    A context manager: the server ends with the block, or with this process.

    Attributes:
        now: the server's time (epoch seconds).
        run: the server's run id, which changes when Redis restarts.
        reads_all: True to read the server's content after each script, and store it with the
            result; False to run every script, and store nothing.
        later: True to raise NotStored instead of running a script whose result is not stored, so
            that the caller can run many scripts in one round trip. Has no effect without reads_all.
    """

    def __init__(self) -> None:
        self.now, self.run = 1e9, 1
        self.reads_all, self.later = True, False
        self.memory: dict[Run, tuple[Any, Content]] = {}
        self._ends = ExitStack()
        self._start()

    def _start(self) -> None:
        server = RedisServer(self._ends.enter_context(ProcessGroup()), persistence=False)
        self.url = self._ends.enter_context(server).url
        self.client = redis.Redis(unix_socket_path=str(server.socket), decode_responses=True)
        self._connection = self.client.connection_pool.make_connection()
        self._connection.socket_timeout = _PATIENCE
        self._content: Content | None = None
        self._stale = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._connection.disconnect()
        self._ends.close()

    def script(self, text: str, arguments: Sequence[str | float]) -> Any:
        """Run a script and return its reply.

        Raises:
            redis.ResponseError: the script fails.
            Hangs: the script does not end.
        """
        seconds, micros = divmod(round(self.now * 1e6), 1_000_000)
        return self._eval((with_clock(text), 0, seconds, micros, self.run, *arguments))

    def command(self, *words: str | float) -> Any:
        return self.script("return redis.call(unpack(ARGV))", words)

    def save(self) -> Content:
        """Return the whole content without streams, sorted."""
        if self._content is None:
            (found,) = self._send([("EVAL", SAVE, 0)])
            self._content = content_of(found)
        return self._content

    def load(self, content: Content) -> None:
        self._content, self._stale = content, True

    def read(self, key: str) -> Sequence[str]:
        if self.reads_all or self._stale:  # the server may have the content of another state
            return next((parts for name, _, parts in self.save() if name == key), ())
        one = SAVE.replace("redis.call('KEYS', '*')", "ARGV")
        ((*found,),) = self._send([("EVAL", one, 0, key)])
        return found[0][2] if found else ()

    def has(self, key: str) -> bool:
        return bool(self.read(key) if self.reads_all or self._stale else self.client.exists(key))

    def _eval(self, words: Words) -> Any:
        if not self.reads_all:
            loading = [loading_of(self._content or ())] if self._stale else []
            self._stale, self._content = False, None
            *_, answer = self._send([*loading, ("EVAL", *words)])
            return raised(answer)
        run: Run = (self.save(), *words)
        if run not in self.memory:
            if self.later:
                raise NotStored(run)
            self.run_all([run])
        answer, content = self.memory[run]
        self.load(content)
        return raised(answer)

    def run_all(self, runs: Sequence[Run]) -> None:
        """Run these scripts, each on its own content, in one round trip, and store the results."""
        if len(self.memory) > _REMEMBERED:
            self.memory.clear()
        commands: list[tuple[Any, ...]] = []
        for content, *words in runs:
            commands += [loading_of(content), ("EVAL", *words), ("EVAL", SAVE, 0)]
        answers = self._send(commands)
        self._stale = True
        for run, answer, content in zip(runs, answers[1::3], answers[2::3], strict=True):
            self.memory[run] = answer, content_of(content)

    def does_the_same(self, text: str, other: str) -> bool:
        """Return True if `other` has the same result as `text` in each stored run of `text`."""
        known, new = map(with_clock, (text, other))
        known_runs = [run for run in self.memory if run[1] == known]
        for first in range(0, len(known_runs), 100):
            batch = {run: (run[0], new, *run[2:]) for run in known_runs[first : first + 100]}
            self.run_all(list(batch.values()))
            if any(repr(self.memory[was]) != repr(self.memory[now]) for was, now in batch.items()):
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


def loading_of(content: Content) -> tuple[str | int, ...]:
    flat: list[str | int] = ["EVAL", _LOAD, 0]
    for key, kind, parts in content:
        flat += (key, kind, len(parts))
        flat += parts if kind != "zset" else [
            part for n in range(0, len(parts), 2) for part in (parts[n + 1], parts[n])
        ]  # fmt: skip
    return tuple(flat)


def raised(answer: Any) -> Any:
    if isinstance(answer, redis.ResponseError):
        raise answer
    return answer


def content_of(found: list[Any]) -> Content:
    return tuple(sorted((key, kind, _ordered(kind, parts)) for key, kind, parts in found))


def _ordered(kind: str, parts: list[str]) -> tuple[str, ...]:
    if kind == "set":
        return tuple(sorted(parts))
    if kind == "hash":
        pairs = sorted(zip(parts[::2], parts[1::2], strict=True))
        return tuple(part for pair in pairs for part in pair)
    return tuple(parts)


@cache
def with_clock(text: str) -> str:
    flags, newline, rest = text.partition("\n") if text.startswith("#!") else ("", "", text)
    return flags + newline + Path(__file__).with_name("frozen.lua").read_text("utf-8") + rest
