"""The runner of a plan: starts the processes, injects the faults, waits for the outcome."""

import re
import signal
import threading
import time

from demo_app.judge.levels import ENDLESS
from demo_app.judge.plan import IDLE, NOBODYS, Act, Fault, Plan
from demo_app.judge.record import Record
from demo_app.judge.role import LATE
from demo_app.judge.steps import MOVES
from demo_app.judge.targets import Target
from demo_app.judge.trial import Part, Trial
from demo_app.rig.polling import Stillness

#: Length of a pause (seconds). A queue must rescue a killed worker's job within the same time
#: (`levels.BACK`), so the lease of a paused worker expires during the pause.
PAUSE = 5.0
#: Seconds after a pause before `plan.later` is enqueued: the worker can send a heartbeat first.
_AWAKE = 1.2
#: Limits (seconds). _NAP: longest nap of a worker (see `Act.NAP`). _SECOND: longest wait for a
#: second worker at the same step; at steps of `rescue`, the limit is `patience`.
_NAP, _SECOND = 0.8, 4.0
#: Seconds in which every worker calls `rescue` at least once, since workers call it every second.
_RESCUED = 1.5
#: The level at which the server stays down until the producer has finished.
_DOWN = 11
#: Events that count as progress.
_MOVES = frozenset({"putting", "put", "refused", "works", "begin", "end", "halt"})
#: Commands with which a call of `rescue` may give back a job.
_MOVES_A_JOB = re.compile(f"{MOVES.pattern}|EVAL|FCALL")
#: A trial ends if a job has begun more often than this.
_TOO_OFTEN = 20
#: If more workers than this start in a row and none begins a job, the queue seems to kill them, and
#: the trial ends.
_MAX_STARTS_WITHOUT_RUN = 8
#: Levels at which the second run of a job ends a trial.
_ONCE = (4, 7)
#: Seconds without progress (see `_MOVES`) after which a poison pill counts as given up.
_GIVEN_UP = 6.5
#: Longest trial (seconds).
_LIMIT = 180.0


def run_plan(target: Target, plan: Plan, patience: float, stop: threading.Event) -> Record:
    """Run a trial of the plan, and return its record.

    Args:
        patience: seconds without progress that end the trial.
        stop: when it is set, the trial ends.
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
        trial.log_location(waiting[0], "look")
    for fault in plan.faults:
        if not fault.in_producer:
            _break(trial, fault)
    _settle(trial)
    trial.log_locations()
    for job in plan.jobs:
        if job.startswith("poison"):
            trial.log_location(job)
            trial.log_location(NOBODYS, "look")  # `where` must not find a job that does not exist


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
        _release_two_at_once(trial, fault)
    else:
        if fault.act is Act.NAP:  # start another worker now: a start may take longer than the nap
            trial.ready_worker(claims=False)
        _do_or_miss(trial, fault, trial.worker_halting_at(fault))


def _do_or_miss(trial: Trial, fault: Fault, part: Part) -> None:
    if trial.halted(part):
        if trial.plan.ready:  # wait until another worker has run all other jobs
            trial.ready_worker()
            rest = sum(trial.seen.puts.values()) - 1
            trial.until(lambda: len(trial.seen.ended) >= rest, trial.patience)
        _do(trial, fault, part)
    else:
        trial.note("missed", step=fault.at)
        part.go.set()


def _do(trial: Trial, fault: Fault, part: Part) -> None:
    trial.log_locations()
    trial.log_action(part, fault.act)
    match fault.act:
        case Act.KILL:
            part.running.send(signal.SIGKILL)
        case Act.NAP:
            began = time.monotonic()
            part.running.send(signal.SIGSTOP)
            for other in trial.parts:
                if other.works and other is not part:
                    other.go.set()
            if fault.in_producer:  # let a rescue find the half-enqueued job
                trial.until(lambda: trial.seen.runs, _RESCUED)
            else:
                trial.until(lambda: not trial.seen.unfinished, _NAP)
            trial.go_on(part)
            if time.monotonic() - began > _RESCUED + LATE:
                trial.note("late")
        case Act.PAUSE:
            _pause(trial, part)
        case Act.LOSE | Act.SERVER_AFTER:
            # other threads of the process send commands too, such as heartbeats
            command = fault.at.split(":")[1].partition("+")[0]
            part.proxy.lose_answer(f"\r\n{command}\r\n".encode())
            part.go.set()
            part.proxy.lost.wait(5.0)
            if fault.act is Act.SERVER_AFTER:
                trial.server.kill()
                trial.start_server()
        case Act.SERVER:
            trial.server.kill()
            part.go.set()
            if trial.plan.level != _DOWN:
                trial.start_server()


def _pause(trial: Trial, part: Part) -> None:
    """Suspend a worker (SIGSTOP), let another worker run the job, and resume the first worker.

    Then enqueue the later jobs, and start one more worker.
    """
    part.running.send(signal.SIGSTOP)
    other = trial.ready_worker()
    trial.stop.wait(PAUSE)
    # a slow worker may need longer than the pause
    trial.until(lambda: _has_run(trial, other) or not _is_stored(trial), trial.patience)
    # Kill the other worker, so that the resumed worker must claim the later jobs. The exception is
    # a worker that halts in a rescue: it may not claim jobs yet.
    if part.role.claims:
        trial.kill(other)
    trial.go_on(part)
    _put_later(trial)
    trial.ready_worker()


def _has_run(trial: Trial, part: Part) -> bool:
    """Return True if the worker has run a job, and is not running another one."""
    ends = [run.end for run in trial.seen.runs if run.who == part.who]
    return bool(ends) and None not in ends


def _is_stored(trial: Trial) -> bool:
    return any(map(trial.server.where, trial.names.of(trial.plan.jobs)))


def _put_later(trial: Trial) -> None:
    if trial.plan.later:
        trial.stop.wait(_AWAKE)
        trial.put(trial.plan.later)
        names = set(trial.plan.later)
        trial.until(lambda: names <= trial.seen.times.keys(), 6.0)


def _release_two_at_once(trial: Trial, fault: Fault) -> None:
    pair = [trial.worker_halting_at(fault) for _ in range(2)]
    # every worker reaches a rescue, if slowly; the second worker may never reach any other step
    limit = None if fault.at.startswith("rescue:") else _SECOND
    if trial.halted(pair[0]) and trial.halted(pair[1], limit):
        trial.log_action(pair[1], fault.act)
    for part in pair:
        part.go.set()


def _kill_idle(trial: Trial) -> None:
    victim = trial.ready_worker()
    trial.until(lambda: not trial.seen.unfinished, trial.patience)
    time.sleep(0.3)  # the worker needs time to begin its next claim
    victim.running.send(signal.SIGSTOP)
    trial.log_action(victim, "SIGSTOP, while it waits for a job")
    trial.put(("idle-1",))
    trial.kill(victim)


def _settle(trial: Trial) -> None:
    """Wait until all jobs are done, or the trial is stopped or exceeds a limit.

    Meanwhile replace dead workers, like a supervisor.
    """
    plan = trial.plan
    stillness, began = Stillness(), time.monotonic()
    runs, started = 0, 0
    while not trial.stop.is_set() and time.monotonic() - began < _LIMIT:
        looked, seen = time.monotonic(), trial.seen
        alive = [part for part in trial.parts if part.running.alive()]
        works = {part.who for part in alive if part.works}
        still = stillness.seconds(sum(event["event"] in _MOVES for event in seen.events))
        last = {run.who: run for run in seen.runs if run.who in works}
        running = any(r.end is None and not r.job.startswith("poison") for r in last.values())
        if plan.level in _ONCE and seen.doubled:
            first = next(run for run in seen.runs if run.job in seen.doubled)
            # wait for the end of the first run: its worker may report that it woke up too late,
            # and then the second run is not the queue's fault
            if seen.late or first.end is not None or first.who not in works:
                return
        most_runs = max(seen.times.values(), default=0)
        if most_runs > _TOO_OFTEN or still > trial.patience + (10.0 if running else 0.0):
            return
        if len(seen.runs) != runs:
            runs, started = len(seen.runs), 0
        if sum(part.works and part.role.claims for part in alive) < plan.workers:
            started += 1
            if started > _MAX_STARTS_WITHOUT_RUN:
                return
            if not trial.ready_worker().running.alive():
                trial.stop.wait(0.2)  # avoid a busy loop if the queue can't run at all
            continue
        finished = {event["who"] for event in seen.of("finished")}
        is_putting = any(part.role.jobs and part.who not in finished for part in alive)
        if not running and not is_putting and _is_done(plan, seen, still):
            return
        # a check of many jobs takes long; leave time for the other processes
        time.sleep(0.05 + 4 * (time.monotonic() - looked))


def _is_done(plan: Plan, seen: Record, still: float) -> bool:
    if any(job.startswith("poison") for job in seen.put):
        if not seen.poison_runs:
            return False
        return len(seen.poison_runs) > ENDLESS or (not seen.unfinished and still > _GIVEN_UP)
    calls = (" ".join(call["names"]) for call in seen.of("call") if call["method"] == "rescue")
    rescued = plan.until_rescue and any(map(_MOVES_A_JOB.search, calls))
    return not seen.unfinished and (rescued or still >= plan.wait_after)
