"""The verdict on a trial: one sentence that says what kind of hole it shows, or none."""

from __future__ import annotations

from collections.abc import Callable

from demo_app.verification.judge.levels import BACK
from demo_app.verification.judge.plan import REPAIRS, Act, Plan
from demo_app.verification.judge.record import Record
from demo_app.verification.judge.settle import ENDLESS
from demo_app.verification.judge.steps import MOVES


def check(plan: Plan, record: Record) -> str:
    """What the trial shows, in one sentence; "" when the level's promise was kept."""
    if not record.put and not record.refused:
        return _not_put(record)
    return _CHECKS.get(plan.level, _lost)(plan, record)


def _not_put(record: Record) -> str:
    if crash := next(iter(record.crashes()), ""):
        return f"Nothing could be put in: {crash}."
    if job := next(iter(record.waiting), ""):
        return f"put({job!r}) does not come back: the caller waits without end."
    return "Nothing could be put in: the producer's process ended."


def _lost(plan: Plan, record: Record) -> str:
    if not record.put:
        job, error = next(iter(record.refused.items()))
        return f"put({job!r}) raised {error}."
    if not record.unfinished:
        return ""
    job = record.unfinished[0]
    where = record.last_seen(job) or []
    raised = next(iter(record.errors()[::-1]), "")
    what = _broken(record)
    if not what:
        told = f"{job} was put in, and never ran to its end; it is {_in(where)}"
        reason = raised or _reason(record, where)
        return f"{told}; {reason}." if reason else f"{told}."
    if not where:
        return f"{job} was nowhere: off its list and in no other when it happened ({what})."
    told = f"{job} is still {_in(where)}, and nobody brings it back ({what})"
    return f"{told}; {raised}." if raised else f"{told}."


def _reason(record: Record, where: list[str]) -> str:
    """Why a job does not run although nothing was broken; "" when nobody can tell."""
    puts, claims = record.sent("put"), record.sent("claim")
    job, times = next(iter(record.times.most_common(1)), ("", 0))
    if unknown := next((name for name in record.times if name not in record.put), ""):
        return f"claim returned {unknown!r}, which nobody put in"
    if crash := next(iter(record.crashes()), ""):
        return f"a process of the queue ended: {crash}"
    if times > 1:
        return f"{job} ran {times} times instead: nothing takes it off its list"
    if puts == []:
        return "put sent no command to Redis"
    if claims == []:
        return "claim sent no command to Redis"
    if claims is None:
        return "claim does not come back" if puts else ""
    if where:
        return f"claim asks elsewhere, or does not return it: it sends {'; '.join(claims)}"
    if any(MOVES.search(sent.split()[0]) for sent in claims):
        return f"claim took it with {'; '.join(claims)}, and returned None (is a return missing?)"
    return ""


def _broken(record: Record) -> str:
    """What was broken last, in whom, and at which step of it; "" for nothing."""
    broken = [act for act in record.acts() if act["act"] not in REPAIRS]
    if not broken:
        return ""
    who = broken[-1]["to"]
    act = next(act["act"] for act in broken if act["to"] == who)
    steps = [halt["step"] for halt in record.halts() if halt["who"] == who]
    return f"{act} to {who}{f' at {steps[-1]}' if steps else ''}"


def _in(keys: list[str]) -> str:
    return f"in {', '.join(keys)}" if keys else "in no key of the server"


def _order(plan: Plan, record: Record) -> str:
    begun = list(dict.fromkeys(run.job for run in record.runs))
    wanted = [job for job in record.put if job in begun]
    if begun == wanted:
        return _lost(plan, record)
    return f"Put in as {', '.join(wanted)}; run as {', '.join(begun)}."


def _no_wait(plan: Plan, record: Record) -> str:
    ended = {run.job: run.end for run in record.runs if run.end is not None}
    for job, end in ended.items():
        if record.put.get(job, end) >= end:
            return f"put({job!r}) came back only after the job had run: the caller waited for it."
    return _lost(plan, record)


def _once(plan: Plan, record: Record) -> str:
    if not record.doubled:
        return _lost(plan, record)
    job = record.doubled[0]
    workers = [run.who for run in record.runs if run.job == job]
    if plan.level == 7:
        return (
            f"{job} was taken from {workers[0]}, alive and at work, and ran again on {workers[1]}."
        )
    told = f"{job} ran {len(workers)} times, on {' and on '.join(dict.fromkeys(workers))}"
    return f"{told}: looking for it and taking it are two steps."


def _back(plan: Plan, record: Record) -> str:
    if record.unfinished or record.back <= BACK:
        return _lost(plan, record)
    return f"The job of the killed worker ran again only after {record.back:.1f} s."


def _no_harm(plan: Plan, record: Record) -> str:
    paused = [event["to"] for event in record.acts() if event["act"] == Act.PAUSE]
    in_hand = [e for e in record.halts() if not e["step"].startswith("rescue")]
    for job, times in record.times.items():
        if times > 1 and job.startswith("late"):
            told = f"{paused[-1]} came back, took {job}, and was still held for dead"
            return f"{told}: the job ran on another worker at the same time."
        if times > len(in_hand) + 1:
            return (
                f"{job} ran {times} times: what was asked before the pause was not true after it."
            )
    return _lost(plan, record)


def _poison(plan: Plan, record: Record) -> str:
    runs = len(record.poison_runs)
    if runs > ENDLESS:
        return f"The poison killed {runs} workers, and is tried again without end."
    if lost := _lost(plan, record):
        return lost
    if record.last_seen("poison-1") == []:
        tries = "one try" if runs == 1 else f"{runs} tries"
        return f"The poison is gone after {tries}: no list keeps it for a person."
    return ""


def _accepted(plan: Plan, record: Record) -> str:
    if record.refused:
        job, error = next(iter(record.refused.items()))
        return (
            f"put({job!r}) refused while the server was down ({error}): nothing kept it for later."
        )
    if record.waiting:
        return f"put({record.waiting[0]!r}) did not come back while the server was down."
    if not record.unfinished:
        return ""
    died = " by the producer's SIGKILL" if plan.producer_dies else ""
    return (
        f"put({record.unfinished[0]!r}) came back while the server was down, "
        f"and the job is lost{died}."
    )


def _seen_once(plan: Plan, record: Record) -> str:
    seen: dict[str, str] = {}
    for run in record.runs:
        if run.end is None:
            continue
        if seen.setdefault(run.message_id, run.job) != run.job:
            return f"{run.job} and {seen[run.message_id]} have one message id: one is never seen."
    for job in record.done:
        if sum(one == job for one in seen.values()) > 1:
            return f"{job} was delivered twice, with two message ids: the reader sees it twice."
    return _lost(plan, record)


_CHECKS: dict[int, Callable[[Plan, Record], str]] = {
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
