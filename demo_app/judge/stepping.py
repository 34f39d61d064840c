"""The processes of an explored queue, and how one of them takes its next step.

A process stands still after each command that it sent. For its next one the call is run anew, with
the answers that it got before.
"""

from __future__ import annotations

import json
import pickle
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, cast
from unittest import mock

import redis

from demo_app.judge.frozen import Content, FrozenRedis
from demo_app.judge.hearing import Event
from demo_app.judge.plan import Act
from demo_app.judge.steps import Command, RedisInSteps

#: Who does what: a method of the queue, "go on" with it, "run" the job, "kill".
Step = tuple[str, str]


@dataclass(frozen=True)
class Process:
    """One process, as far as it has come. own: the attributes of its queue, pickled. next: how it
    goes on with what it has begun: "go on" with a call, "run", "ack"; "" for nothing. call: the
    method that runs, and its job. past: the answers that it has got. job: what it runs, until its
    acknowledgement. called: what else it has called before, of `beat` and `rescue`."""

    name: str
    own: bytes = b""
    next: str = ""
    call: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    job: str = ""
    called: frozenset[str] = frozenset()


@dataclass(frozen=True)
class State:
    """All that a later step depends on. content: of the server; killed: this one was, or nobody."""

    content: Content
    processes: dict[str, Process] = field(hash=False)  # the producer first
    to_put: tuple[str, ...]
    put: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()
    done: frozenset[str] = frozenset()
    killed: str = ""

    def having(self, process: Process) -> State:
        """The same with this process as it is now."""
        return replace(self, processes=self.processes | {process.name: process})


class Stepper:
    """Takes steps with a class's queues on a server; log: what a person may want to see of them."""

    def __init__(self, queue: Any, server: FrozenRedis) -> None:
        self.queue, self.log = queue, list[Event]()
        self._server, self._line = server, _HaltingLine(server)

    def through(self, state: State, name: str) -> State:
        """Let a process end what it has begun."""
        while step := state.processes[name].next:
            state = self.do(state, (name, step))
        return state

    def do(self, state: State, step: Step) -> State:
        """The state after a step."""
        name, what = step
        process = state.processes[name]
        if what == "kill":
            where = f"{process.call[0]}:{len(process.past)}" if process.call else "run"
            self.note("act", "judge", act=Act.KILL, to=name, step=where)
            return replace(state, killed=name)
        if what == "run":
            self.note("end", name, job=process.job, message_id=process.job)
            state = replace(state, done=state.done | {process.job})
            return state.having(replace(process, next="ack"))
        if what != "go on":
            job = {"put": state.to_put[:1], "ack": (process.job,)}.get(what, ())
            called = process.called | ({what} & {"beat", "rescue"})
            process = replace(process, next="go on", call=(what, *job), called=called)
        return self._send(state, process)

    def _send(self, state: State, process: Process) -> State:
        """One more command of the process's call; what it comes to when that ends the call."""
        method, *job = process.call
        self._server.load(state.content)
        self._line.begin()
        queue, answer, ended = self.queue(self._line.client), None, True
        if process.own:
            vars(queue).update(pickle.loads(process.own))
        self._line.begin(process.past, 1)
        given = job if method == "put" else [process.name, *job]
        ids = (
            uuid.uuid5(uuid.NAMESPACE_OID, f"{process.name} {process.call} {n}") for n in count()
        )
        try:
            with mock.patch.object(uuid, "uuid4", side_effect=ids):
                answer = getattr(queue, method)(*given)
        except Halted:
            ended = False
        except redis.RedisError as error:
            self.note("error", process.name, method=method, error=str(error))
        state, past = replace(state, content=self._server.save()), tuple(self._line.past)
        fresh = self._line.sent[len(process.past) : len(past)]
        self.note("call", process.name, method=method, commands=fresh, names=[])
        if not ended:
            return state.having(replace(process, past=past))
        process = replace(process, own=_own(queue), next="", call=(), past=())
        if method == "put":
            self.note("put", process.name, job=job[0])
            state = replace(state, to_put=state.to_put[1:], put=(*state.put, job[0]))
        elif method == "claim" and isinstance(answer, str):
            self.note("begin", process.name, job=answer)
            process = replace(process, next="run", job=answer)
            state = replace(state, begun=(*state.begun, answer))
        elif method == "ack":
            process = replace(process, job="")
        return state.having(process)

    def note(self, event: str, who: str, **more: Any) -> None:
        """Write down an event of the trial, as the judge does."""
        self.log.append({"event": event, "at": len(self.log) / 10, "who": who, **more})


def _own(queue: Any) -> bytes:
    """What a queue keeps in its own attributes, as far as it is data."""
    kept = {}
    for name, value in vars(queue).items():
        with suppress(Exception):
            pickle.dumps(value)
            kept[name] = value
    return pickle.dumps(kept)


#: Commands that wait: here they ask once. With them, the words at their end that say how long.
_WAITING = {"BLPOP": 1, "BRPOP": 1, "BLMOVE": 1, "BRPOPLPUSH": 1, "BZPOPMIN": 1, "BZPOPMAX": 1}
#: Comes before a queue's own script: its keys are the first of the words that it is given.
_KEYS = "local KEYS = {{}} for at = 1, {} do KEYS[at] = table.remove(ARGV, 1) end "


class Halted(BaseException):
    """A call stands still before its next command."""


class _HaltingLine:
    """What is behind the client of an explored queue. past: the answers that the running call has
    got, as JSON; sent: what it sent.

    Raises TypeError for a pipeline with WATCH: what it does depends on more than its answers.
    """

    def __init__(self, server: FrozenRedis) -> None:
        self._frozen = server
        self.client = cast(Any, RedisInSteps(self._step))
        # a script is sent as a text each time
        self.client.register_script = lambda text: (
            lambda keys=(), args=(), client=self.client: client.eval(text, len(keys), *keys, *args)
        )
        self.begin()

    def begin(self, past: Sequence[str] = (), left: float = float("inf")) -> None:
        """A call is run anew with the answers that it has got. left: commands that it may send."""
        self.past, self.sent, self._left = list(past), list[str](), left

    def _step(self, commands: Sequence[Command], _: object) -> list[Any]:
        """A step that was taken has the answers that it had."""
        at = len(self.sent)
        self.sent.append("; ".join(" ".join(map(str, words)) for words, _ in commands))
        if at == len(self.past):
            if not self._left:
                raise Halted
            self._left -= 1
            self.past.append(json.dumps([self._ask(*words) for words, _ in commands]))
        return [
            self._parsed(words, answer, options)
            for (words, options), answer in zip(commands, json.loads(self.past[at]), strict=True)
        ]

    def _ask(self, name: Any, *words: Any) -> Any:
        name = str(name).upper()
        if name == "WATCH":
            raise TypeError("a queue with WATCH can't be explored: use a script, or MULTI alone")
        if name == "EVAL":
            text, keys, *given = words
            return self._frozen.script(_KEYS.format(int(keys)) + text, given)
        if name in _WAITING:
            words = words[: -_WAITING[name]]
            words = words[:1] if name in ("BLPOP", "BRPOP") else words
            name = name[1:]
        return self._frozen.command(name, *words)

    def _parsed(self, words: tuple[Any, ...], answer: Any, options: dict[str, Any]) -> Any:
        """The answer as redis-py gives it."""
        name = str(words[0]).upper()
        if name in ("BLPOP", "BRPOP") and answer is not None:
            return words[1], answer
        options = {key: value for key, value in options.items() if key != "keys"}
        callback = dict(self.client.response_callbacks).get(name)
        return answer if callback is None or answer is None else callback(answer, **options)
