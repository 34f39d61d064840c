"""The Lua scripts: read from their files, and run, each in one round trip."""

from __future__ import annotations

import json
import os
import threading
from functools import cache
from importlib.resources import files
from typing import Any

import redis

from .options import Options

#: The only script that is refused when Redis is full (`maxmemory`, `noeviction`): were the others
#: refused too, no worker could claim, beat or acknowledge, and nothing would ever be freed again.
_REFUSED_WHEN_FULL = frozenset({"enqueue"})

#: What comes before the text of every script.
_SHARED = ("_prelude", "_claims")


@cache
def _file(name: str) -> str:
    return (files(__package__) / "scripts" / f"{name}.lua").read_text("utf-8")


@cache
def _text(name: str, body: str, options: Options) -> str:
    flags = "" if name in _REFUSED_WHEN_FULL else "#!lua flags=allow-oom\n"
    given = (
        f"local P, POISON_PAUSE = {json.dumps(options.global_keyprefix)}, {options.poison_pause}\n"
        f"local HISTORY_LENGTH = {options.history_length}\n"
        f"local JOURNAL_LENGTH = {options.journal_length}\n"
    )
    return flags + given + "".join(map(_file, _SHARED)) + body


class _Own(threading.local):
    """A thread's own connection, and how long an answer may take on it (seconds)."""

    connection: Any = None
    timeout: float | None = None


class Scripts:
    """The scripts on one server, for all threads of this process."""

    def __init__(self, client: redis.Redis, options: Options) -> None:
        self._shared, self._options = client, options
        self._registered: dict[str, Any] = {}
        self._own = _Own()

    def registered(self, name: str) -> Any:
        """The registered script of that name (its ``sha`` is what EVALSHA takes)."""
        script = self._registered.get(name)
        return script or self.add(name, _file(name))

    def add(self, name: str, body: str) -> Any:
        """Register a script under this name; body: Lua that comes behind what is shared."""
        text = _text(name, body, self._options)
        script = self._registered[name] = self._shared.register_script(text)
        return script

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
    connection.connect()  # asks Sentinel where to, if there is one; nothing when it is connected
    connection.send_command(*command)
    # an answer that comes too late must not be taken for the next command's; Sentinel's connections
    # would stay
    return connection.read_response(disconnect_on_error=True)
