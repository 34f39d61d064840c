"""A Redis client and a file opener that count each command and each opened file as a step.

The process can halt before and after each step.
"""

import builtins
import io
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
from redis.backoff import ConstantBackoff
from redis.client import Pipeline
from redis.retry import Retry

from demo_app.judge.role import Role

#: Limit of the shown characters of a command.
_SHOWN = 60
#: Limit of the shown commands of a call.
_MANY = 20
#: Commands that add a job to a key or remove it.
MOVES = re.compile("PUSH|POP|MOVE|REM|ADD|DEL|CLAIM|READGROUP")
#: The name of the step that opens a file.
OPEN = "OPEN"


@dataclass
class _Call:
    """One call of a method of the queue, and the commands that it sent.

    Attributes:
        moved: the time of the reply to the first command that matches `MOVES` (seconds of the
            monotonic clock); None if there was no such reply.
    """

    method: str
    commands: list[str] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)
    moved: float | None = None


class Steps:
    """The steps of a process. The process halts at the step that its role names, if any.

    A step is ``method:COMMAND:nth:before`` or ``method:COMMAND:nth:after``, where `nth` counts the
    same command from 1 in each call of the method.
    """

    def __init__(self, role: Role) -> None:
        self.role = role
        self._local = threading.local()
        self._lock = threading.RLock()
        self._known: set[tuple[str, ...]] = set()

    @contextmanager
    def call(self, method: str) -> Iterator[None]:
        """Treat the block as one call of a method of the queue, and report the call to the judge.

        Only commands of this thread belong to the call. A call with the same commands as an earlier
        call of the method is not reported again.
        """
        call = self._local.call = _Call(method)
        try:
            yield
        finally:
            self._local.call = None
            # also report a put, claim or ack without a command, which is a common mistake
            is_step = call.commands or method in ("put", "claim", "ack")
            if is_step and (signature := (method, *call.names.elements())) not in self._known:
                self._known.add(signature)
                names, at = [*signature[1:]], call.moved or time.monotonic()
                commands = call.commands[:_MANY]
                self.role.log("call", at=at, method=method, commands=commands, names=names)

    @contextmanager
    def command(self, name: str, words: str) -> Iterator[None]:
        """Count the block as a step, and halt before or after it if the role names this step.

        The block sends a command and receives its reply, or opens a file.

        Args:
            name: the command's name.
            words: the command with its arguments, for the history.
        """
        call: _Call | None = getattr(self._local, "call", None)
        if call is None:  # not in a block of `call`, for example in the queue's constructor
            yield
            return
        call.names[name] += 1
        call.commands.append(words[:_SHOWN])
        step = f"{call.method}:{name}:{call.names[name]}"
        with self._lock:  # another thread may have halted: wait until its command has ended
            pass
        if self._halt_if_due(f"{step}:before", words, call.commands[:-1]):
            with self._lock:
                yield
        else:
            yield
        if call.moved is None and MOVES.search(name):
            call.moved = time.monotonic()
        self._halt_if_due(f"{step}:after", words, call.commands)

    def commands(self, sent: Sequence[tuple[Any, ...]]) -> AbstractContextManager[None]:
        """Return a context manager whose block sends these commands to Redis, as one step."""
        names = [str(args[0]).split()[0].upper() for args in sent]
        words = "; ".join(" ".join(map(str, args)) for args in sent).replace("\n", " ")
        return self.command("+".join(names) or "EXEC", words)

    def _halt_if_due(self, step: str, words: str, sent: list[str]) -> bool:
        """If this is the role's step, halt until the judge lets the process go on.

        Return True if this was the role's step.
        """
        if step != self.role.halt:
            return False
        method, words = step.partition(":")[0], "" if step.endswith("after") else words[:_SHOWN]
        self.role.request("passes", step=step, words=words, method=method, commands=sent[-_MANY:])
        return True


class RedisInSteps(redis.Redis):
    """A Redis client that counts each command and each pipeline as a step."""

    def __init__(self, steps: Steps) -> None:
        # as many retries as redis-py's default, with shorter pauses
        retry, path = Retry(ConstantBackoff(0.1), 3), steps.role.address
        super().__init__(
            unix_socket_path=path, retry=retry, socket_timeout=5.0, decode_responses=True
        )
        self._steps = steps

    def execute_command(self, *args: Any, **options: Any) -> Any:
        with self._steps.commands([args]):
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Pipeline:
        made = _PipelineInSteps(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )
        made.steps = self._steps
        return made


class _PipelineInSteps(Pipeline):
    steps: Steps

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        with self.steps.commands([args for args, _ in self.command_stack]):
            return super().execute(raise_on_error)

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Send the command at once. Redis-py calls this method after WATCH."""
        with self.steps.commands([args]):
            return super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]


def step_files(steps: Steps) -> None:
    """Replace `open` in this process: each opening of a file for writing becomes a step."""
    opens = io.open

    def opened(file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        if not set(mode) & set("wax+"):
            return opens(file, mode, *given, **named)
        with steps.command(OPEN, f"{OPEN} {file}"):
            return opens(file, mode, *given, **named)

    for module in (io, builtins):
        module.open = opened  # type: ignore[attr-defined]
