"""The verdict on a trial: one sentence that says what kind of hole it shows, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from demo_app.judge.levels import BACK
from demo_app.judge.plan import REPAIRS, Act, Plan
from demo_app.judge.record import Record, Say, complaint
from demo_app.judge.settle import ENDLESS
from demo_app.judge.steps import MOVES

#: Seconds: what is kept for so long is kept; and a put that takes so long lets its caller wait.
_FOR_LONG, _SLOW = 3600.0, 0.5
#: So many jobs that run in another order are named.
_MANY = 8


def check(plan: Plan, record: Record, say: Say = str.format) -> str:
    """What the trial shows, in one sentence; "" when the level's promise was kept."""
    none_is_in = not record.put and not record.refused
    if none_is_in or (plan.level == 3 and record.of("put waits")):
        return _not_put(record, say)
    if plan.level in (1, 9) and record.expiring and record.expiring[1] < _FOR_LONG:
        told = "{job} is only in keys that expire, the last in {seconds:.0f} s: then it is gone."
        return say(told, job=record.expiring[0], seconds=record.expiring[1])
    return _CHECKS.get(plan.level, _lost)(plan, record, say)


def _not_put(record: Record, say: Say) -> str:
    for crash in record.of("crashed"):
        return say("Nothing could be put in: {error}.", error=crash["error"])
    for waits in record.of("put waits"):
        told = "put({job!r}) does not come back: the caller waits without end."
        return say(told, job=waits["job"])
    return say("Nothing could be put in: the producer's process ended.")


def _lost(plan: Plan, record: Record, say: Say) -> str:
    if not record.put:
        job, error = next(iter(record.refused.items()))
        return say("put({job!r}) raised {error}.", job=job, error=error)
    if not record.unfinished:
        return ""
    job = record.unfinished[0]
    where = record.last_seen(job) or []
    raised = next((complaint(error, say) for error in record.of("error")[::-1]), "")
    what = _broken(record, say)
    if not what:
        told = "{job} was put in, and never ran to its end; it is {where}"
        reason = raised or _reason(record, where, say)
        return _sentence(say, say(told, job=job, where=_in(where, say)), reason)
    if not where:
        told = "{job} was nowhere: off its list and in no other when it happened ({what})."
        return say(told, job=job, what=what)
    told = "{job} is still {where}, and nobody brings it back ({what})"
    return _sentence(say, say(told, job=job, where=_in(where, say), what=what), raised)


def _sentence(say: Say, *parts: str) -> str:
    return say("; ").join(filter(None, parts)) + say(".")


def _reason(record: Record, where: list[str], say: Say) -> str:
    """Why a job does not run although nothing was broken; "" when nobody can tell."""
    puts, claims = record.sent("put"), record.sent("claim")
    job, times = next(iter(record.times.most_common(1)), ("", 0))
    if unknown := next((name for name in record.times if name not in record.put), ""):
        return say("claim returned {job!r}, which nobody put in", job=unknown)
    for crash in record.of("crashed"):
        return say("a process of the queue ended: {error}", error=crash["error"])
    if times > 1:
        told = "{job} ran {times} times instead: nothing takes it off its list"
        return say(told, job=job, times=times)
    if puts == []:
        return say("put sent no command to Redis")
    if claims == []:
        return say("claim sent no command to Redis")
    if claims is None:
        return say("claim does not come back") if puts else ""
    commands = "; ".join(claims)
    if where:
        told = "claim asks elsewhere, or does not return it: it sends {commands}"
        return say(told, commands=commands)
    if any(MOVES.search(sent.split()[0]) for sent in claims):
        told = "claim took it with {commands}, and returned None (is a return missing?)"
        return say(told, commands=commands)
    return ""


def _broken(record: Record, say: Say) -> str:
    """What was broken last, in whom, and at which step of it; "" for nothing."""
    broken = [act for act in record.of("act") if act["act"] not in REPAIRS]
    if not broken:
        return ""
    who = broken[-1]["to"]
    act = say(next(act["act"] for act in broken if act["to"] == who))
    steps = [halt["step"] for halt in record.of("halt") if halt["who"] == who]
    if not steps:
        return say("{act} to {who}", act=act, who=who)
    return say("{act} to {who} at {step}", act=act, who=who, step=steps[-1])


def _in(keys: list[str], say: Say) -> str:
    return say("in {keys}", keys=", ".join(keys)) if keys else say("in no key of the server")


def _order(plan: Plan, record: Record, say: Say) -> str:
    begun = list(dict.fromkeys(run.job for run in record.runs))
    wanted = [job for job in record.put if job in begun]
    if begun == wanted:
        return _lost(plan, record, say)
    pairs = enumerate(zip(begun, wanted, strict=False))
    first = next((place for place, (one, other) in pairs if one != other), 0)
    jobs, runs = (", ".join(names[first : first + _MANY]) for names in (wanted, begun))
    if plan.ahead:
        told = (
            "Put in as {jobs}, the first where the clock was {seconds:.0f} s ahead; run as {runs}."
        )
        return say(told, jobs=jobs, runs=runs, seconds=plan.ahead)
    return say("Put in as {jobs}; run as {runs}.", jobs=jobs, runs=runs)


def _no_wait(plan: Plan, record: Record, say: Say) -> str:
    ended = {run.job: run.end for run in record.runs if run.end is not None}
    for job, end in ended.items():  # a job that takes no time may end first
        if ":" in job and record.put.get(job, end) >= end:
            told = "put({job!r}) came back only after the job had run: the caller waited for it."
            return say(told, job=job)
    if (seconds := record.quick_put) > _SLOW:
        told = "Each put took {seconds:.1f} s or more, although the server answered: it waits."
        return say(told, seconds=seconds)
    return _lost(plan, record, say)


def _once(plan: Plan, record: Record, say: Say) -> str:
    if not record.doubled:
        if plan.overlap and not record.unfinished and not record.overlaps:
            return say("One job ran at a time, although jobs waited and a second worker was idle.")
        return _lost(plan, record, say)
    job = record.doubled[0]
    workers = [run.who for run in record.runs if run.job == job]
    if any(act["act"] == Act.LATE for act in record.of("act")):
        told = "{job} ran again: a heartbeat that was late brought it back after its ack."
        return say(told, job=job)
    if plan.level == 7:
        told = "{job} was taken from {one}, alive and at work, and ran again on {other}."
        return say(told, job=job, one=workers[0], other=workers[1])
    told = "{job} ran {times} times, on {workers}: looking for it and taking it are two steps."
    names = say(" and on ").join(dict.fromkeys(workers))
    return say(told, job=job, times=len(workers), workers=names)


def _back(plan: Plan, record: Record, say: Say) -> str:
    if record.unfinished or record.back <= BACK:
        return _lost(plan, record, say)
    told = "The job of the killed worker ran again only after {seconds:.1f} s."
    return say(told, seconds=record.back)


def _no_harm(plan: Plan, record: Record, say: Say) -> str:
    paused = [event["to"] for event in record.of("act") if event["act"] in (Act.PAUSE, Act.STALE)]
    in_hand = [e for e in record.of("halt") if not e["step"].startswith("rescue")]
    for job, times in record.times.items():
        if times > 1 and job.startswith("late"):
            told = (
                "{who} came back, took {job}, and was still held for dead: "
                "the job ran on another worker at the same time."
            )
            return say(told, who=paused[-1], job=job)
        if times > len(in_hand) + 1 and not paused:
            told = "{job} ran {times} times: two workers rescued it at once, and both gave it back."
            return say(told, job=job, times=times)
        if times > len(in_hand) + 1:
            told = "{job} ran {times} times: what was asked before the pause was not true after it."
            return say(told, job=job, times=times)
    return _lost(plan, record, say)


def _poison(plan: Plan, record: Record, say: Say) -> str:
    runs = len(record.poison_runs)
    if runs > ENDLESS:
        told = "The poison killed {runs} workers, and is tried again without end."
        return say(told, runs=runs)
    if lost := _lost(plan, record, say):
        return lost
    places = Counter(record.last_seen("poison-1"))
    if twice := next((place for place, times in places.items() if times > 1), ""):
        return say("The poison is twice in {place}: it was given up by two, or twice.", place=twice)
    if record.last_seen("poison-1") == [] and record.of("seen"):
        if plan.deaths:
            told = "The poison is nowhere: its way to the dead letter was cut off ({what})."
            return say(told, what=_broken(record, say))
        if runs == 1:
            return say("The poison is gone after one try: no list keeps it for a person.")
        told = "The poison is gone after {runs} tries: no list keeps it for a person."
        return say(told, runs=runs)
    return ""


def _accepted(plan: Plan, record: Record, say: Say) -> str:
    if record.refused:
        job, error = next(iter(record.refused.items()))
        told = (
            "put({job!r}) refused while the server was down ({error}): nothing kept it for later."
        )
        return say(told, job=job, error=error)
    for waits in record.of("put waits"):
        told = "put({job!r}) did not come back while the server was down."
        return say(told, job=waits["job"])
    if not record.unfinished:
        return ""
    job = record.unfinished[0]
    acts = {event["act"]: float(event["at"]) for event in record.of("act")}
    at, down, up = record.put[job], acts.get(Act.SERVER, 0.0), acts.get(REPAIRS[1], 0.0)
    if at < down:
        told = "put({job!r}) came back before the server was killed, and the job is lost."
    elif up and at > up:
        told = "put({job!r}) came back when the server was there again, and the job is lost."
    elif plan.producer_dies:
        told = (
            "put({job!r}) came back while the server was down, "
            "and the job is lost by the producer's SIGKILL."
        )
    else:
        told = "put({job!r}) came back while the server was down, and the job is lost."
    return say(told, job=job)


def _seen_once(plan: Plan, record: Record, say: Say) -> str:
    seen: dict[str, str] = {}
    for run in record.runs:
        if run.end is None:
            continue
        if seen.setdefault(run.message_id, run.job) != run.job:
            told = "{job} and {other} have one message id: one is never seen."
            return say(told, job=run.job, other=seen[run.message_id])
    for job in record.ended:
        if sum(one == job for one in seen.values()) > 1:
            told = "{job} was delivered twice, with two message ids: the reader sees it twice."
            return say(told, job=job)
    return _lost(plan, record, say)


_CHECKS: dict[int, Callable[[Plan, Record, Say], str]] = {
    2: _order,
    3: _no_wait,
    4: _once,
    6: _back,
    7: _once,
    8: _no_harm,
    9: _poison,
    11: _accepted,
    12: _seen_once,
}
