"""The Lua scripts: read from their files, and run, each in one round trip."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

import redis
from redis.utils import HIREDIS_AVAILABLE

from .options import Options

#: A script's name and its arguments.
Call = tuple[Any, ...]
_FUNCTION = re.compile(r"^local function (\w+\()(?:[^\n]* end|.*?^end)$", re.DOTALL | re.MULTILINE)
#: Makes the bytes of a command. Redis-py has it too, and looks at each part of the command before.
_PACK: Any = import_module("hiredis").pack_command if HIREDIS_AVAILABLE else None


@cache
def _files() -> dict[str, str]:
    folder = files(__package__) / "scripts"
    return {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.is_file()}


def _file(name: str) -> str:
    return _files()[f"{name}.lua"]


@cache
def _text(name: str, body: str, options: Options) -> str:
    # `enqueue` alone is refused when Redis is full (`maxmemory`, `noeviction`) of what can't be
    # forgotten: were others refused too, no worker could claim, beat or acknowledge, and nothing
    # would ever be freed again.
    flags = "" if name == "enqueue" else "#!lua flags=allow-oom\n"
    prefix = json.dumps(options.global_keyprefix, ensure_ascii=False)  # Lua 5.1 has no \u
    given = (
        f"local P, POISON_PAUSE = {prefix}, {options.poison_pause}\n"
        f"local HISTORY_LENGTH = {options.history_length}\n"
        f"local HISTORY_BYTES = {options.history_bytes}\n"
        f"local JOURNAL_LENGTH = {options.journal_length}\n"
    )
    text = _file("_prelude") + _file("_claims") + body
    if not options.global_keyprefix:
        text = text.replace("P .. '", "'")  # there is nothing to put before a name
    for found in reversed([*_FUNCTION.finditer(text)]):
        rest = text[found.end() :]
        # Redis makes each function anew whenever a script runs: those that it does not call go
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
    """One script that does what these do, one after the other. Each has arguments of its own,
    behind their number; one that fails does not end the others, and its error is its answer."""
    return _PARTS % "".join(f"part(function(ARGV)\n{_file(name)}end)\n" for name in names)


class _Own(threading.local):
    """A thread's own connection, and how long an answer may take on it (seconds)."""

    connection: Any = None
    timeout: float | None = None


class Scripts:
    """The scripts on one server, for all threads of this process."""

    def __init__(self, client: redis.Redis, options: Options) -> None:
        # all are read now: later the files may be another version's, or no descriptor may be left
        _files()
        self._shared, self._options = client, options
        self._registered: dict[str, Any] = {}
        self._own = _Own()

    def registered(self, name: str, body: str = "") -> Any:
        """The registered script of that name (its ``sha`` is what EVALSHA takes).

        body: Lua that comes behind what is shared, when it is no file of that name.
        """
        if name not in self._registered:
            text = _text(name, body or _file(name), self._options)
            self._registered[name] = self._shared.register_script(text)
        return self._registered[name]

    def hurry(self, seconds: float) -> None:
        """This thread waits no longer for an answer: then it takes a new connection."""
        self._own.timeout = seconds

    def run(self, name: str, *arguments: str | float) -> Any:
        """Run a script; returns what it returns.

        Raises redis.ConnectionError or redis.TimeoutError when the server can't be reached, and
        redis.ResponseError when it refuses.
        """
        script, connection = self.registered(name), self._connection()
        try:
            try:
                return _run(connection, script, arguments)
            except redis.ConnectionError:  # the server was started again; any script may run twice
                return _run(connection, script, arguments)
        except redis.RedisError:
            raise
        except BaseException:  # interrupted: the answer must not be taken for the next command's
            connection.disconnect()
            raise

    def together(self, calls: Sequence[Call]) -> list[Any]:
        """Run several scripts in one round trip; returns what each returns, or its error."""
        names = [name for name, *_ in calls]
        all_of_them = "+".join(names)
        self.registered(all_of_them, _together(*names))
        given = [part for _, *own in calls for part in (len(own), *own)]
        answers: list[Any] = self.run(all_of_them, *given)
        return answers

    def _connection(self) -> Any:
        """This thread's connection; it is closed with the thread.

        To borrow one from the pool for each command, and to give it back, takes redis-py half as
        long as the round trip itself.
        """
        connection: Any = self._own.connection
        if connection is None or connection.pid != os.getpid():  # after a fork it is the parent's
            connection = self._shared.connection_pool.make_connection()
            if self._own.timeout is not None:
                connection.socket_timeout = self._own.timeout
            self._own.connection = connection
        return connection


def _run(connection: Any, script: Any, arguments: tuple[str | float, ...]) -> Any:
    try:
        return _ask(connection, "EVALSHA", script.sha, 0, *arguments)
    except redis.exceptions.NoScriptError:  # a server that has not seen it yet
        return _ask(connection, "EVAL", script.script, 0, *arguments)


def _ask(connection: Any, *command: str | float) -> Any:
    if connection._sock is None:
        connection.connect()  # asks Sentinel where to, if there is one
    connection.send_packed_command(_packed(connection, command))
    # an answer that comes too late must not be taken for the next command's; Sentinel's connections
    # would stay
    return connection.read_response(disconnect_on_error=True)


def _packed(connection: Any, command: tuple[str | float, ...]) -> Any:
    """Return the bytes of a command. What UTF-8 does not have is escaped: the name of a file may
    be odd, and the error that has it in its text must be stored all the same."""
    if not _PACK:
        return connection.pack_command(*map(_escaped, command))
    with suppress(UnicodeEncodeError):  # nearly every text is UTF-8
        return [_PACK(command)]
    return [_PACK(tuple(map(_escaped, command)))]


def _escaped(part: str | float) -> bytes | float:
    return part.encode("utf-8", "backslashreplace") if isinstance(part, str) else part
