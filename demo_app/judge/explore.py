"""Every order in which the commands of a learner's queue can reach Redis, with one kill between any
two of them: a judge that never needs luck.

`explore` takes the same class as the judge: any Python on Redis commands, as long as the same
answers lead it to the same next command. What it keeps outside of Redis and its own attributes, in
a file for example, is not seen. No time passes before a kill.
"""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

from demo_app.judge.frozen import FrozenRedis
from demo_app.judge.record import Record, Say
from demo_app.judge.stepping import Process, State, Step, Stepper

#: Seconds after the last step in which workers beat, rescue and claim before a job counts as lost.
PATIENCE = 120


@dataclass(frozen=True)
class Explored:
    """What became of it. why: what is wrong, "" when nothing is. states: so many were gone through;
    whole: they are all that there are. record: the shortest way to what is wrong."""

    why: str
    states: int
    whole: bool
    record: Record = field(repr=False)


def explore(
    queue: Any, *, jobs: int = 2, workers: int = 2, kill: bool = True, most: int = 5_000,
    say: Say = str.format,
) -> Explored:  # fmt: skip
    """Go through all that can happen, breadth first, until a job is lost, or begins twice though
    nobody was killed. jobs: are put in by one producer. kill: whether a worker may be killed.
    most: states.

    Raises TypeError for a class that sends what can't be explored (WATCH, a subscription).
    """
    with (
        tempfile.TemporaryDirectory(prefix="explore-") as name,
        FrozenRedis(Path(name)) as server,
        mock.patch.object(time, "time", side_effect=lambda: server.now),
        mock.patch.object(time, "sleep"),
    ):
        names = ("p1", *(f"w{number}" for number in range(1, workers + 1)))
        to_put = tuple(f"job-{number}" for number in range(1, jobs + 1))
        first = State((), {name: Process(name) for name in names}, to_put)
        return _Explorer(queue, server, kill=kill).run(first, most, say)


class _Explorer:
    def __init__(self, queue: Any, server: FrozenRedis, *, kill: bool) -> None:
        self._server, self._kill = server, kill
        self._take = Stepper(queue, server)
        self._methods = [name for name in ("beat", "rescue", "claim") if hasattr(queue, name)]

    def run(self, first: State, most: int, say: Say) -> Explored:
        ways: dict[State, tuple[Step, ...]] = {first: ()}
        waiting = deque([first])
        while waiting and len(ways) < most:
            state = waiting.popleft()
            for step in self._steps(state):
                after = self._take.do(state, step)
                if after in ways:
                    continue
                way = ways[after] = (*ways[state], step)
                waiting.append(after)
                for told, job in self._wrong(after):
                    self._write_down(first, way, job)
                    why = say(told, job=job, who=after.killed, steps=len(way))
                    return Explored(why, len(ways), False, Record(self._take.log))
        return Explored("", len(ways), not waiting, Record([]))

    def _steps(self, state: State) -> Iterator[Step]:
        """Everything that can happen next."""
        busy = any(one.next for one in state.processes.values())
        for name, process in state.processes.items():
            if name == state.killed:
                continue
            if process.next:
                yield name, process.next
                if name != "p1" and self._kill and not state.killed:
                    yield name, "kill"
            elif name == "p1":
                yield from [(name, "put")] if state.to_put else []
            elif state.put and "beat" in {*self._methods} - process.called:
                yield name, "beat"
            elif state.put:
                yield name, "claim"
                if busy and "rescue" in {*self._methods} - process.called:
                    yield name, "rescue"

    def _wrong(self, state: State) -> Iterator[tuple[str, str]]:
        """What is wrong in words, and about which job."""
        killed, under_way = state.killed, any(one.next for one in state.processes.values())
        twice = [job for job in state.begun if state.begun.count(job) > 1]
        if twice and not killed:
            told = "{job} begins twice, though nobody was killed. It takes {steps} steps."
            yield told, twice[0]
        # while something is under way, nothing is lost yet
        if killed or not (state.to_put or under_way):
            told = "{job} is lost, though nobody was killed. It takes {steps} steps."
            if killed:
                told = "{job} is lost, after the kill of {who}. It takes {steps} steps."
            yield from ((told, job) for job in self._lost(state))

    def _lost(self, state: State) -> list[str]:
        """The jobs that do not end, though everything goes on for `PATIENCE` seconds."""
        started = self._server.now
        if state.killed:
            state = state.having(Process("w9"))
        alive = [name for name in state.processes if name != state.killed]
        for name in alive:
            state = self._take.through(state, name)
        while state.to_put:
            state = self._take.through(self._take.do(state, ("p1", "put")), "p1")
        while {*state.put} - state.done and self._server.now < started + PATIENCE:
            self._server.now += 1.0
            for name, method in product(alive[1:], self._methods):
                state = self._take.through(self._take.do(state, (name, method)), name)
        self._server.now = started
        return [job for job in state.put if job not in state.done]

    def _write_down(self, state: State, way: tuple[Step, ...], job: str) -> None:
        """Take the way once more, and note it."""
        self._take.log.clear()
        for step in way:
            state = self._take.do(state, step)
        for name, process in state.processes.items():  # what is under way may be what loses it
            if name != state.killed and process.call:
                state = self._take.through(state, name)
        keys = [key for key, _, parts in state.content if job in " ".join(parts)]
        self._take.note("where", "server", job=job, keys=keys)
