"""The Lua scripts: read from their files, and run, each in one round trip."""

from __future__ import annotations

import threading
from functools import cache
from importlib.resources import files
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from demo_app.queue.connection import Decoded

#: The only script that is refused when Redis is full (`maxmemory`, `noeviction`): were the others
#: refused too, no worker could claim, beat or acknowledge, and nothing would ever be freed again.
_REFUSED_WHEN_FULL = frozenset({"enqueue"})


@cache
def _text(name: str, journal_length: int, history_length: int) -> str:
    folder = files("demo_app.queue") / "scripts"
    flags = "" if name in _REFUSED_WHEN_FULL else "#!lua flags=allow-oom\n"
    limits = flags + f"local JOURNAL_LENGTH, HISTORY_LENGTH = {journal_length}, {history_length}\n"
    prelude = (folder / "_prelude.lua").read_text("utf-8")
    return limits + prelude + (folder / f"{name}.lua").read_text("utf-8")


class _Own(threading.local):
    """A thread's own client, which keeps its connection."""

    client: Decoded = None


class Scripts:
    """The scripts on one server, for all threads of this process."""

    def __init__(self, client: redis.Redis, journal_length: int, history_length: int) -> None:
        self._shared = client
        self._limits = journal_length, history_length
        self._registered: dict[str, Any] = {}
        self._own = _Own()

    def registered(self, name: str) -> Any:
        """The registered script of that name (its ``sha`` is what EVALSHA takes)."""
        script = self._registered.get(name)
        if script is None:
            script = self._shared.register_script(_text(name, *self._limits))
            self._registered[name] = script
        return script

    def run(self, name: str, *arguments: str | float) -> Any:
        """Run a script; returns what it returns.

        Raises redis.ConnectionError or redis.TimeoutError when the server can't be reached, and
        redis.ResponseError when it refuses.
        """
        script, client = self.registered(name), self._client()
        try:
            return client.execute_command("EVALSHA", script.sha, 0, *arguments)
        except redis.exceptions.NoScriptError:  # a server that has not seen it yet
            return script(args=arguments)
        except redis.RedisError:
            raise
        except BaseException:  # interrupted: the answer must not be taken for the next command's
            client.connection.disconnect()
            raise

    def _client(self) -> Decoded:
        """This thread's client. To borrow a connection from the pool for each command, and to give
        it back, takes a quarter of the time of a round trip."""
        client = self._own.client
        if client is None:
            client = self._own.client = cast(Decoded, self._shared).client()
            # a server that was started again is noticed only now; any script may run twice
            client.connection.retry = Retry(NoBackoff(), 1, (redis.ConnectionError,))
        return client
