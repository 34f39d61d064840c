"""Every order in which the commands of a learner's queue can reach Redis, with one kill between any
two of them: a judge that never needs luck.

`explore` takes the same class as the judge. A process stands still after each command that it sent.
For its next one the call is run anew, with the answers that it got before. So a class may be any
Python on Redis commands, as long as the same answers lead it to the same next command.
"""

from __future__ import annotations

import json
import pickle
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import redis
from redis.client import Pipeline

from demo_app.judge import picture
from demo_app.judge.frozen import Content, FrozenRedis
from demo_app.judge.hearing import Event
from demo_app.judge.history import story
from demo_app.judge.plan import Act
from demo_app.judge.record import Record, Say

#: Seconds after the last step in which workers beat, rescue and claim before a job counts as lost.
PATIENCE = 120
#: Commands that wait: here they ask once. With them, the words at their end that say how long.
_WAITING = {"BLPOP": 1, "BRPOP": 1, "BLMOVE": 1, "BRPOPLPUSH": 1, "BZPOPMIN": 1, "BZPOPMAX": 1}


class _Halted(BaseException):
    """A call stands still before its next command."""


@dataclass(frozen=True)
class _Process:
    """One process, as far as it has come. own: the attributes of its queue, pickled. call: the
    method that runs, and its job. past: the answers that it has got. job: what it runs;
    alive, rescued: it has beaten, and looked for dead ones, before."""

    name: str
    own: bytes = b""
    call: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    job: str = ""
    ran: bool = False
    alive: bool = False
    rescued: bool = False


@dataclass(frozen=True)
class _State:
    content: Content
    processes: tuple[_Process, ...]
    to_put: tuple[str, ...]
    put: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()
    done: frozenset[str] = frozenset()
    killed: str = ""


@dataclass(frozen=True)
class Explored:
    """What became of it. why: what is wrong, "" when nothing is. steps: the shortest way to it, in
    words. states: so many were gone through; whole: they are all that there are."""

    why: str
    states: int
    whole: bool
    record: Record = field(repr=False)

    @property
    def steps(self) -> list[str]:
        """Who does what, one after the other."""
        return [f"{line.who}: {line.what}" for line in story(self.record)]

    def svg(self, say: Say = str.format) -> str:
        """The way in the judge's picture."""
        return picture.svg(self.record, self.why, say)

    def _repr_html_(self) -> str:
        return self.svg() if self.why else f"<p>{self.states} states, and no job is lost.</p>"


def explore(
    queue_class: Any, *, jobs: int = 2, workers: int = 2, kill: bool = True, most: int = 5_000
) -> Explored:
    """Go through all that can happen, breadth first, until a job is lost, or begins twice though
    nobody was killed. jobs: are put in by one producer. kill: whether a worker may be killed.
    most: states.

    Raises TypeError for a class that sends what can't be explored (WATCH, a subscription).
    """
    with tempfile.TemporaryDirectory(prefix="explore-") as name, FrozenRedis(Path(name)) as server:
        return _Explorer(queue_class, server, workers, kill=kill).run(jobs, most)


class _Explorer:
    def __init__(self, queue_class: Any, server: FrozenRedis, workers: int, *, kill: bool) -> None:
        self._class, self._server, self._kill = queue_class, server, kill
        self._names = ("p1", *(f"w{number}" for number in range(1, workers + 1)))
        self._log: list[Event] = []

    def run(self, jobs: int, most: int) -> Explored:
        names = tuple(f"job-{number}" for number in range(1, jobs + 1))
        processes = tuple(_Process(name) for name in self._names)
        first = _State((), processes, names)
        known: dict[_State, tuple[_State, tuple[str, ...]]] = {}
        waiting, seen = deque([first]), {first}
        while waiting and len(seen) < most:
            state = waiting.popleft()
            for event in _events(state, self._class):
                if event[1] == "kill" and not self._kill:
                    continue
                after = self._do(state, event)
                if after in seen:
                    continue
                seen.add(after)
                known[after] = state, event
                if why := self._wrong(after):
                    return self._explained(why, after, known, len(seen))
                waiting.append(after)
        return Explored("", len(seen), not waiting, Record([]))

    def _wrong(self, state: _State) -> str:
        twice = [job for job in state.begun if state.begun.count(job) > 1]
        if twice and not state.killed:
            return f"{twice[0]} begins twice, though nobody was killed."
        over = state.killed or not _events(state, self._class)  # what is lost before is lost then
        lost = self._lost(state) if over else []
        how = f"after the kill of {state.killed}" if state.killed else "though nobody was killed"
        return f"{lost[0]} is lost, {how}." if lost else ""

    def _lost(self, state: _State) -> list[str]:
        """The jobs that do not end, though everything goes on for `PATIENCE` seconds."""
        alive = [one.name for one in state.processes if one.name != state.killed]
        if state.killed:
            state = replace(state, processes=(*state.processes, _Process("w9")))
            alive.append("w9")
        started = self._server.now
        try:
            for name in alive:
                state = self._through(state, name)
            while state.to_put:
                state = self._through(self._do(state, ("p1", "put")), "p1")
            for _ in range(PATIENCE):
                if not (left := [job for job in state.put if job not in state.done]):
                    return []
                self._server.now += 1.0
                for name in alive[1:]:
                    for method in ("beat", "rescue", "claim"):
                        if hasattr(self._class, method):
                            state = self._through(self._do(state, (name, method)), name)
                    state = self._through(state, name)
            return left
        finally:
            self._server.now = started

    def _through(self, state: _State, name: str) -> _State:
        """Let a process end what it has begun."""
        while True:
            process = _of(state, name)
            if process.call:
                state = self._do(state, (name, "go on"))
            elif process.job:
                state = self._do(state, (name, "ack" if process.ran else "run"))
            else:
                return state

    def _do(self, state: _State, event: tuple[str, ...]) -> _State:
        name, what = event
        process = _of(state, name)
        if what == "kill":
            self._note("act", "judge", act=Act.KILL, to=name, step=_where(process))
            return replace(state, killed=name)
        if what == "run":
            self._note("end", name, job=process.job, message_id=process.job)
            state = replace(state, done=state.done | {process.job})
            return _with(state, replace(process, ran=True))
        if what != "go on":
            job = {"put": state.to_put[:1], "ack": (process.job,)}.get(what, ())
            process = replace(process, call=(what, *job), past=())
            process = replace(
                process,
                alive=process.alive or what == "beat",
                rescued=process.rescued or what == "rescue",
            )
        self._server.load(state.content)
        return self._send(state, process)

    def _send(self, state: _State, process: _Process) -> _State:
        """One more command of the process's call; what it comes to when that ends the call."""
        method, *job = process.call
        client = _Client(self._server, process.past)
        answer, ended = None, True
        with _time_of(self._server):
            queue = self._class(client)
            if process.own:
                vars(queue).update(pickle.loads(process.own))
            client.begin()
            arguments = job if method == "put" else [process.name, *job]
            try:
                answer = getattr(queue, method)(*arguments)
            except _Halted:
                ended = False
            except redis.RedisError as error:
                self._note("error", process.name, method=method, error=str(error))
        state = replace(state, content=self._server.save())
        if not ended:
            return _with(state, replace(process, past=tuple(client.past)))
        sent = {"method": method, "commands": client.sent, "names": []}
        self._note("call", process.name, **sent)
        process = replace(process, own=_own(queue), call=(), past=())
        if method == "put":
            self._note("put", process.name, job=job[0])
            state = replace(state, to_put=state.to_put[1:], put=(*state.put, job[0]))
        elif method == "claim" and isinstance(answer, str):
            self._note("begin", process.name, job=answer)
            process = replace(process, job=answer, ran=False)
            state = replace(state, begun=(*state.begun, answer))
        elif method == "ack":
            process = replace(process, job="", ran=False)
        return _with(state, process)

    def _note(self, event: str, who: str, **more: Any) -> None:
        self._log.append({"event": event, "at": len(self._log) / 10, "who": who, **more})

    def _explained(self, why: str, state: _State, known: dict[Any, Any], states: int) -> Explored:
        """Take the way once more, and write it down."""
        way = []
        at = state
        while at in known:
            at, event = known[at]
            way.append(event)
        self._log.clear()
        for event in reversed(way):
            at = self._do(at, event)
        for process in state.processes:  # what is under way may be what loses it
            if process.name != state.killed and process.call:
                at = self._through(at, process.name)
        for job in [job for job in state.put if job in why]:
            keys = [key for key, _, parts in at.content if job in " ".join(parts)]
            self._note("where", "server", job=job, keys=keys)
        return Explored(f"{why} It takes {len(way)} steps.", states, False, Record(self._log))


class _Client(redis.Redis):
    """What a process's queue gets: each command is a step. past: the answers that it has got."""

    def __init__(self, server: FrozenRedis, past: Sequence[Any]) -> None:
        super().__init__(decode_responses=True)
        self._frozen, self.past, self.sent = server, list(past), list[str]()
        self._at, self._may = 0, 1000  # what its constructor sends is no step

    def begin(self) -> None:
        """From now on one command may be sent, behind those that were answered."""
        self._at, self._may = 0, 1

    def carry(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """The answers to some commands that are one step."""
        self.sent.append("; ".join(" ".join(map(str, words)) for words in commands))
        if self._at < len(self.past) and self._may == 1:
            answers: list[Any] = json.loads(self.past[self._at])
            self._at += 1
            return answers
        if self._may == 0:
            raise _Halted
        answers = [self._frozen.command(*_asking_once(words)) for words in commands]
        if self._may == 1:
            self.past.append(json.dumps(answers))
            self._at, self._may = self._at + 1, 0
        return answers

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """See the base class."""
        return self.parse(args, self.carry([args])[0], options)

    def parse(self, words: tuple[Any, ...], answer: Any, options: dict[str, Any]) -> Any:
        """The answer as redis-py gives it."""
        name = str(words[0]).upper()
        if name in ("BLPOP", "BRPOP") and answer is not None:
            return words[1], answer
        options = {key: value for key, value in options.items() if key != "keys"}
        callback = dict(self.response_callbacks).get(name)
        return answer if callback is None or answer is None else callback(answer, **options)

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Pipeline:
        """See the base class."""
        made = _OneStep(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        made.one = self
        return made


class _OneStep(Pipeline):
    one: _Client

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """See the base class."""
        stack, self.command_stack = self.command_stack, []
        answers = self.one.carry([words for words, _ in stack])
        pairs = zip(stack, answers, strict=True)
        return [self.one.parse(words, answer, options) for (words, options), answer in pairs]

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """See the base class."""
        raise TypeError("a queue that uses WATCH can't be explored: use a script, or MULTI alone")


def _asking_once(words: tuple[Any, ...]) -> tuple[Any, ...]:
    name = str(words[0]).upper()
    if name not in _WAITING:
        return words
    kept = list(words[1 : len(words) - _WAITING[name]])
    if name in ("BLPOP", "BRPOP"):
        kept = kept[:1]
    return (name[1:], *kept)


@contextmanager
def _time_of(server: FrozenRedis) -> Iterator[None]:
    """In the block it is the server's time, and nobody sleeps."""
    ids = iter(range(10**6))

    def now() -> float:
        return server.now

    def unique() -> uuid.UUID:
        return uuid.UUID(int=next(ids))

    with (
        mock.patch.object(time, "time", now),
        mock.patch.object(time, "sleep"),
        mock.patch.object(uuid, "uuid4", unique),
    ):
        yield


def _own(queue: Any) -> bytes:
    """What a queue keeps in its own attributes, as far as it is data."""
    kept = {}
    for name, value in vars(queue).items():
        with suppress(Exception):
            pickle.dumps(value)
            kept[name] = value
    return pickle.dumps(kept)


def _events(state: _State, queue_class: Any) -> list[tuple[str, ...]]:
    events: list[tuple[str, ...]] = []
    for process in state.processes:
        name, worker = process.name, process.name != "p1"
        if name == state.killed:
            continue
        if process.call:
            events.append((name, "go on"))
        elif process.job:
            events.append((name, "ack" if process.ran else "run"))
        elif worker and state.put:
            if not process.alive and hasattr(queue_class, "beat"):
                events.append((name, "beat"))
                continue
            events.append((name, "claim"))
            busy = any(other.job or other.call for other in state.processes if other is not process)
            if busy and hasattr(queue_class, "rescue") and not process.rescued:
                events.append((name, "rescue"))
        elif not worker and state.to_put:
            events.append((name, "put"))
        if worker and not state.killed and (process.call or process.job):
            events.append((name, "kill"))
    return events


def _of(state: _State, name: str) -> _Process:
    return next(process for process in state.processes if process.name == name)


def _with(state: _State, process: _Process) -> _State:
    changed = (process if one.name == process.name else one for one in state.processes)
    return replace(state, processes=tuple(changed))


def _where(process: _Process) -> str:
    return f"{process.call[0]}:{len(process.past)}" if process.call else "run"
