"""The Lua scripts: read from their files, and run, each in one round trip."""

from __future__ import annotations

import json
import os
import threading
from functools import cache
from importlib.resources import files
from typing import Any

import redis

#: The only script that is refused when Redis is full (`maxmemory`, `noeviction`): were the others
#: refused too, no worker could claim, beat or acknowledge, and nothing would ever be freed again.
_REFUSED_WHEN_FULL = frozenset({"enqueue"})


@cache
def _file(name: str) -> str:
    return (files("demo_app.broker") / "scripts" / f"{name}.lua").read_text("utf-8")


@cache
def _text(name: str, body: str, prefix: str, limits: tuple[tuple[str, float], ...]) -> str:
    flags = "" if name in _REFUSED_WHEN_FULL else "#!lua flags=allow-oom\n"
    given = f"local P = {json.dumps(prefix)}\n"
    given += "".join(f"local {limit.upper()} = {value}\n" for limit, value in limits)
    return flags + given + _file("_prelude") + body


class _Own(threading.local):
    """A thread's own connection."""

    connection: Any = None


class Scripts:
    """The scripts on one server, for all threads of this process.

    limits: numbers that each script knows, under their names in capitals.
    """

    def __init__(self, client: redis.Redis, prefix: str, **limits: float) -> None:
        self._shared = client
        self._given = prefix, tuple(limits.items())
        self._registered: dict[str, Any] = {}
        self._own = _Own()

    def registered(self, name: str) -> Any:
        """The registered script of that name (its ``sha`` is what EVALSHA takes)."""
        script = self._registered.get(name)
        return script or self.add(name, _file(name))

    def add(self, name: str, body: str) -> Any:
        """Register a script under this name; body: Lua that comes behind the prelude."""
        text = _text(name, body, *self._given)
        script = self._registered[name] = self._shared.register_script(text)
        return script

    def run(self, name: str, *arguments: str | float) -> Any:
        """Run a script; returns what it returns.

        Raises redis.ConnectionError or redis.TimeoutError when the server can't be reached, and
        redis.ResponseError when it refuses.
        """
        script, connection = self.registered(name), self._connection()
        command = ("EVALSHA", script.sha, 0, *arguments)
        try:
            try:
                return _ask(connection, command)
            except redis.ConnectionError:  # the server was started again; any script may run twice
                return _ask(connection, command)
        except redis.exceptions.NoScriptError:  # a server that has not seen it yet
            return script(args=arguments)
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
        connection = self._own.connection
        if connection is None or connection.pid != os.getpid():  # after a fork it is the parent's
            connection = self._own.connection = self._shared.connection_pool.make_connection()
        return connection


def _ask(connection: Any, command: tuple[str | float, ...]) -> Any:
    connection.connect()  # asks Sentinel where to, if there is one; nothing when it is connected
    connection.send_command(*command)
    return connection.read_response()
