"""Runs a plan: starts the processes, breaks what the plan says, and waits for what comes of it."""

from __future__ import annotations

import signal
import threading
import time

from demo_app.judge.plan import IDLE, NOBODYS, Act, Fault, Plan
from demo_app.judge.record import Record
from demo_app.judge.role import LATE
from demo_app.judge.settle import settle
from demo_app.judge.targets import Target
from demo_app.judge.trial import Part, Trial

#: Seconds that a paused worker sleeps: longer than any lease with which a job is back in time.
PAUSE = 5.0
#: Seconds in which a worker that goes on again can say that it is alive.
_AWAKE = 1.2
#: Seconds for which a nap lasts at most; in which a second worker reaches the step of the first.
_NAP, _SECOND = 0.8, 4.0
#: Seconds in which each worker calls `rescue`, once a second.
_RESCUED = 1.5
#: The level at which the server stays down until the producer has finished.
_DOWN = 11


def drive(target: Target, plan: Plan, patience: float, stop: threading.Event) -> Record:
    """Run the plan. patience: seconds without any progress after which nothing more is expected.

    stop: when it is set, nobody wants to know any more.
    """
    with Trial(target, plan, patience, stop) as trial:
        _run(trial)
        return trial.seen


def _run(trial: Trial) -> None:
    plan = trial.plan
    for _ in range(plan.early):
        trial.ready_worker()
    in_producer = [fault for fault in plan.faults if fault.in_producer]
    if in_producer:
        _break_producer(trial, in_producer[0])
    else:
        trial.put(plan.jobs)
    if not plan.faults and plan.later:
        trial.put(plan.later)
    if not plan.early and (waiting := trial.seen.unfinished):
        trial.look_for(waiting[0], "look")
    for fault in plan.faults:
        if not fault.in_producer:
            _break(trial, fault)
    settle(trial)
    trial.look()
    for job in plan.jobs:
        if job.startswith("poison"):
            trial.look_for(job)
            trial.look_for(NOBODYS, "look")  # a `where` that knows it knows nothing of poison


def _break_producer(trial: Trial, fault: Fault) -> None:
    plan = trial.plan
    producer = trial.put(plan.jobs, fault)
    _do_or_miss(trial, fault, producer)
    trial.wait_for(producer)
    if plan.level == _DOWN:
        if plan.producer_dies:
            trial.kill(producer)
        trial.start_server()
    if plan.producer_dies:
        trial.put(plan.later)


def _break(trial: Trial, fault: Fault) -> None:
    if fault.at == IDLE:
        _kill_idle(trial)
    elif fault.act is Act.BOTH:
        _go_on_together(trial, fault)
    else:
        if fault.act is Act.NAP:  # its start would take longer than a nap, on a busy machine
            trial.ready_worker(claims=False)
        _do_or_miss(trial, fault, trial.rescuer(fault))


def _do_or_miss(trial: Trial, fault: Fault, part: Part) -> None:
    if trial.halted(part):
        if trial.plan.ready:  # and has done what else there is
            trial.ready_worker()
            rest = sum(trial.seen.puts.values()) - 1
            trial.until(lambda: len(trial.seen.ended) >= rest, trial.patience)
        _do(trial, fault, part)
    else:
        trial.note("missed", step=fault.at)
        part.go.set()


def _do(trial: Trial, fault: Fault, part: Part) -> None:
    trial.look()
    trial.act(part, fault.act)
    match fault.act:
        case Act.KILL:
            part.running.send(signal.SIGKILL)
        case Act.NAP:
            began = time.monotonic()
            part.running.send(signal.SIGSTOP)
            for other in trial.parts:
                other.go.set() if other.works and other is not part else None
            if fault.in_producer:  # what it has begun may be found by a rescue
                trial.until(lambda: trial.seen.runs, _RESCUED)
            else:
                trial.until(lambda: not trial.seen.unfinished, _NAP)
            trial.go_on(part)
            if time.monotonic() - began > _RESCUED + LATE:
                trial.note("late")
        case Act.PAUSE:
            _pause(trial, part)
        case Act.LOSE | Act.SERVER_AFTER:
            part.cable.lose_answer()
            part.go.set()
            part.cable.lost.wait(5.0)
            if fault.act is Act.SERVER_AFTER:
                trial.server.kill()
                trial.start_server()
        case Act.SERVER:
            trial.server.kill()
            part.go.set()
            if trial.plan.level != _DOWN:
                trial.start_server()


def _pause(trial: Trial, part: Part) -> None:
    """It sleeps while another one works; back again, it gets a job of its own."""
    part.running.send(signal.SIGSTOP)
    other = trial.ready_worker()
    trial.stop.wait(PAUSE)  # the pause itself
    trial.until(
        lambda: all(run.end is not None for run in trial.seen.runs if run.who == other.who),
        trial.patience,
    )
    if part.role.claims:  # what comes next is for the one that comes back
        trial.kill(other)
    trial.go_on(part)
    _put_later(trial)
    trial.ready_worker()


def _put_later(trial: Trial) -> None:
    if trial.plan.later:
        trial.stop.wait(_AWAKE)
        trial.put(trial.plan.later)
        names = set(trial.plan.later)
        trial.until(lambda: names <= trial.seen.times.keys(), 6.0)


def _go_on_together(trial: Trial, fault: Fault) -> None:
    pair = [trial.rescuer(fault) for _ in range(2)]
    if trial.halted(pair[0]) and trial.halted(pair[1], _SECOND):
        trial.act(pair[1], fault.act)
    for part in pair:
        part.go.set()


def _kill_idle(trial: Trial) -> None:
    victim = trial.ready_worker()
    trial.until(lambda: not trial.seen.unfinished, trial.patience)
    time.sleep(0.3)  # somewhere in its next claim
    victim.running.send(signal.SIGSTOP)
    trial.act(victim, "SIGSTOP, while it waits for a job")
    trial.put(("idle-1",))
    trial.kill(victim)
