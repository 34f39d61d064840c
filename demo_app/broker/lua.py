"""The Lua scripts: read from their files, and run in one round trip, alone or several together."""

import json
import os
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import redis
from redis.utils import HIREDIS_AVAILABLE

from .options import Options

T = TypeVar("T")
#: A script's name and its arguments.
Call = tuple[Any, ...]
#: Connections that a process keeps, as many as Celery's `broker_pool_limit`.
CONNECTIONS = 10
#: Seconds that a thread waits for a free connection before it opens one more.
_PATIENCE = 1.0
_FUNCTION = re.compile(r"^local function (\w+\()(?:[^\n]* end|.*?^end)$", re.DOTALL | re.MULTILINE)
#: Packs a command. redis-py calls this function too, but checks each part first, which is slow.
_PACK: Any = import_module("hiredis").pack_command if HIREDIS_AVAILABLE else None


@cache
def _files() -> dict[str, str]:
    folder = files(__package__) / "scripts"
    return {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.is_file()}


def _file(name: str) -> str:
    return _files()[f"{name}.lua"]


@cache
def _text(name: str, body: str, options: Options) -> str:
    # When Redis is full (`maxmemory`, `noeviction`) only `enqueue` is refused. If other scripts
    # were refused too, no worker could claim, beat or acknowledge, and no memory would become free.
    flags = "" if name == "enqueue" else "#!lua flags=allow-oom\n"
    prefix = json.dumps(options.global_keyprefix, ensure_ascii=False)  # Lua 5.1 has no escape \u
    given = (
        f"local P, POISON_PAUSE = {prefix}, {options.poison_pause}\n"
        f"local HISTORY_LENGTH = {options.history_length}\n"
        f"local HISTORY_BYTES = {options.history_bytes}\n"
        f"local JOURNAL_LENGTH = {options.journal_length}\n"
    )
    text = _file("_prelude") + _file("_claims") + body
    if not options.global_keyprefix:
        text = text.replace("P .. '", "'")  # drop the empty prefix
    for found in reversed([*_FUNCTION.finditer(text)]):
        rest = text[found.end() :]
        # Redis creates every function at each run of a script: drop the unused ones
        if found[1] not in rest:
            text = text[: found.start()] + rest
    return flags + given + text


_PARTS = """
local at, answers = 0, {}
local function part(script)
  local own = {}
  for i = at + 2, at + 1 + ARGV[at + 1] do own[#own + 1] = ARGV[i] end
  at = at + 1 + #own
  local fine, answer = pcall(script, own)
  if not fine then answer = type(answer) == 'table' and answer or {err = answer} end
  answers[#answers + 1] = answer
end
%s
return answers
"""


@cache
def _together(*names: str) -> str:
    """Return one script that runs these scripts in turn.

    Its ARGV has, for each script, the number of the script's arguments and then the arguments. If a
    script fails, its reply is the error, and the next scripts still run.
    """
    return _PARTS % "".join(f"part(function(ARGV)\n{_file(name)}end)\n" for name in names)


@dataclass(frozen=True, slots=True)
class ScriptCall(Generic[T]):
    """A script to run, and the function that parses its reply.

    `send` runs the script alone. The heartbeat runs several scripts in one round trip: see
    `Scripts.together`.
    """

    scripts: "Scripts"
    call: Call
    parse: Callable[[Any], T]

    def send(self) -> T:
        """Run the script alone, in one round trip, and return its result.

        Raises:
            redis.RedisError: Redis does not answer, or refuses.
        """
        return self.parse(self.scripts.run(*self.call))

    def result(self, reply: Any) -> T:
        if isinstance(reply, Exception):
            raise reply
        return self.parse(reply)


class _Connections:
    """Connections that the threads of one process share.

    redis-py's own pool would add half the time of a round trip to each command.
    """

    def __init__(self, client: redis.Redis) -> None:
        self.pid, self._client = os.getpid(), client
        self._idle, self._made = SimpleQueue[Any](), count()

    def borrow(self) -> Any:
        """Return a connection that no other thread uses; its socket may not be open yet.

        If all connections are in use, waits up to `_PATIENCE` for one, and then makes a new one.
        """
        with suppress(Empty):
            return self._idle.get_nowait()
        if next(self._made) >= CONNECTIONS:
            with suppress(Empty):
                return self._idle.get(timeout=_PATIENCE)
        return self._client.connection_pool.make_connection()

    def give_back(self, connection: Any) -> None:
        if self._idle.qsize() < CONNECTIONS:
            self._idle.put(connection)
        else:
            connection.disconnect()


class Scripts:
    """The scripts on one server. Safe to use from every thread of the process."""

    def __init__(self, client: redis.Redis, options: Options) -> None:
        # read all files now: later, an upgrade may replace them, or no descriptor may be free
        _files()
        self._shared, self._options = client, options
        self._registered: dict[str, Any] = {}
        self._connections = _Connections(client)
        self._own = threading.local()

    def registered(self, name: str, body: str = "") -> Any:
        """Return the registered script with this name. Its ``sha`` is the argument of EVALSHA.

        Args:
            body: the script's Lua code, if there is no file with this name.
        """
        if name not in self._registered:
            text = _text(name, body or _file(name), self._options)
            self._registered[name] = self._shared.register_script(text)
        return self._registered[name]

    def use_own_connection(self, seconds: float) -> None:
        """Give this thread its own connection with a shorter timeout (seconds)."""
        self._own.connection = self._shared.connection_pool.make_connection()
        self._own.connection.socket_timeout = seconds

    def run(self, name: str, *arguments: str | float) -> Any:
        """Run a script and return its reply.

        Raises:
            redis.ConnectionError, redis.TimeoutError: the server does not answer.
            redis.ResponseError: the server replies with an error.
        """
        script = self.registered(name)
        if own := getattr(self._own, "connection", None):
            return self._run_over(own, script, arguments)
        # a forked process must not use its parent's connections
        if self._connections.pid != os.getpid():
            self._connections = _Connections(self._shared)
        shared = self._connections
        connection = shared.borrow()
        try:
            return self._run_over(connection, script, arguments)
        finally:
            shared.give_back(connection)

    def _run_over(self, connection: Any, script: Any, arguments: tuple[str | float, ...]) -> Any:
        try:
            try:
                return _run(connection, script, arguments)
            except redis.ConnectionError:  # retry once: every script can safely run twice
                return _run(connection, script, arguments)
        except redis.RedisError:
            raise
        except BaseException:  # interrupted: the next command must not read this reply
            connection.disconnect()
            raise

    def together(self, calls: Sequence[Call]) -> list[Any]:
        """Run several scripts in one round trip. Return the reply or the error of each."""
        names = [name for name, *_ in calls]
        all_of_them = "+".join(names)
        self.registered(all_of_them, _together(*names))
        given = [part for _, *own in calls for part in (len(own), *own)]
        answers: list[Any] = self.run(all_of_them, *given)
        return answers


def _run(connection: Any, script: Any, arguments: tuple[str | float, ...]) -> Any:
    try:
        return _ask(connection, "EVALSHA", script.sha, 0, *arguments)
    except redis.exceptions.NoScriptError:  # the server does not know the script yet
        return _ask(connection, "EVAL", script.script, 0, *arguments)


def _ask(connection: Any, *command: str | float) -> Any:
    if connection._sock is None:
        connection.connect()  # with Sentinel, this finds the present primary
    connection.send_packed_command(_packed(connection, command))
    # After an error, close the connection: the next command must not read a late reply. redis-py's
    # Sentinel connections stay open by default.
    return connection.read_response(disconnect_on_error=True)


def _packed(connection: Any, command: tuple[str | float, ...]) -> Any:
    """Return the bytes of a command.

    Characters without a UTF-8 encoding are escaped: they occur in file names, and so in error texts
    that must be stored.
    """
    if not _PACK:
        return connection.pack_command(*map(_escaped, command))
    with suppress(UnicodeEncodeError):  # almost every text has a UTF-8 encoding
        return [_PACK(command)]
    return [_PACK(tuple(map(_escaped, command)))]


def _escaped(part: str | float) -> bytes | float:
    return part.encode("utf-8", "backslashreplace") if isinstance(part, str) else part
