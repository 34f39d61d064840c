"""The walk: one comment on its way, which functions it passed, and back from a killed worker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from demo_app.failpoints import Step
from demo_app.stack import Stack
from demo_app.stack.client import Client

#: What happens at each step that a comment passes.
HAPPENS = {
    Step.COMMENT_COMMITTED: "a comment and its job are written down in one transaction",
    Step.OUTBOX_READ: "the relay finds the job in the outbox",
    Step.ENQUEUED: "one script puts it into its queue",
    Step.OUTBOX_HANDED_OVER: "the relay has handed it over; the outbox keeps it until it is done",
    Step.CLAIMED: "one script moves it from the queue to a worker's claims",
    Step.STARTED: "Celery runs it",
    Step.RESCUE_MOVED: "after the kill, another worker finds that the first one's lease ran out; "
    "what that one held is at the head of its queue again, in its order",
    Step.MAIL_BEGUN: "one SMTP dialogue: the mail server waits for the mail",
    Step.MAIL_SENT: "all of the mail was sent",
    Step.REPLY_RECEIVED: "the mail server has said that it has it",
    Step.ACKNOWLEDGED: "one script ends the claim, which has a number, and takes the next job",
    Step.OUTBOX_SETTLED: "the relay hears that the job is done, and the outbox forgets it",
}
#: What `footsteps` writes, in the stack's folder.
FILE = "footsteps.jsonl"
#: Functions of fewer lines only call the next one; the broker has many between two steps.
_SHORT, _SHORT_IN_BROKER = 5, 20
_KEPT_WAITING = {"at": "data", "do": "wait", "seconds": 60}


@dataclass(frozen=True, slots=True)
class Function:
    """A function, or a whole script (`name` is ""): its file in the tree, first and last line."""

    file: str
    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Station:
    """A step that the job passed: after how many seconds, in which process, and by which functions:
    those that no station before has, else the last one."""

    step: Step
    after: float
    process: str
    way: tuple[Function, ...]


def walk() -> list[Station]:
    """Post a comment on a stack of its own, and kill the worker that has its job."""
    with Stack(workers=2, tasks=(f"{__package__}.footsteps",)) as stack, Client(stack.ready) as web:
        pids = stack.ready["pids"]
        processes = {pid: f"{role} {pid}" for role, group in pids.items() for pid in group}
        web.set_faults(_KEPT_WAITING)
        web.comment()
        now = web.wait_for(lambda now: bool(now["running"] and web.faults()[0]["hits"]))
        [victim] = [one["pid"] for one in now["workers"] if one["running"]]
        stack.kill("worker", pid=victim)
        web.set_faults()
        web.wait_for(lambda now: now["done"] == 1)
        file = stack.plan.folder.path / FILE
        done = Step.ACKNOWLEDGED
        web.wait_for(lambda _: Step.OUTBOX_SETTLED in file.read_text("utf-8").rpartition(done)[2])
        return _stations(file, processes)


def _stations(file: Path, processes: dict[int, str]) -> list[Station]:
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    passed = {step: sorted(x["at"] for x in lines if x["step"] == step) for step in HAPPENS}
    began, rescue = passed[Step.COMMENT_COMMITTED][0], passed[Step.RESCUE_MOVED][0]
    found, known, steps = [], set[Function](), list(HAPPENS)
    for step in steps:  # two processes may pass two steps at the same moment
        again = steps.index(step) >= steps.index(Step.RESCUE_MOVED)
        at = next(at for at in passed[step] if at >= rescue or not again)
        line = next(line for line in lines if (line["step"], line["at"]) == (step, at))
        way = dict.fromkeys(Function(**one) for one in line["way"])
        fresh = tuple(one for one in way if one not in known and not _is_short(one))
        process = processes.get(line["pid"], f"worker {line['pid']}")
        found.append(Station(step, at - began, process, fresh or tuple(way)[-1:]))
        known |= set(fresh)
    return found


def _is_short(one: Function) -> bool:
    least = _SHORT_IN_BROKER if one.file.startswith("demo_app/broker/") else _SHORT
    return one.file.endswith(".py") and one.last - one.first + 1 < least
