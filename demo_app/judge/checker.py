"""The check of a trial: finds the first problem in its record, and describes it in a sentence."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, combinations
from math import inf

from demo_app.judge.levels import BACK, ENDLESS
from demo_app.judge.plan import NOBODYS, REPAIRS, Act, Plan
from demo_app.judge.record import Record, Translate, complaint
from demo_app.judge.steps import MOVES

#: Maximum number of jobs in a sentence about a wrong order.
_MANY = 8
#: A check is a function that yields a sentence for each problem, the first problem first.
_Check = Callable[[Plan, Record, Translate], Iterator[str]]


def check(plan: Plan, record: Record, translate: Translate = str.format) -> str:
    """Return the problem that the trial found, or "" if the level's promise was kept."""
    checks = (_not_put, _CHECKS.get(plan.level, _lost), _lost)
    return next(chain.from_iterable(one(plan, record, translate) for one in checks), "")


def _not_put(plan: Plan, record: Record, translate: Translate) -> Iterator[str]:
    is_in = record.put or record.refused
    if is_in and not (plan.level == 3 and record.of("put waits")):
        return
    for crash in record.of("crashed"):
        yield translate("Nothing could be enqueued: {error}.", **crash)
    for waits in record.of("put waits"):
        yield translate("put({job!r}) does not come back: the caller waits without end.", **waits)
    yield translate("Nothing could be enqueued: the producer's process ended.")


def _lost(_: Plan, record: Record, translate: Translate) -> Iterator[str]:
    for job, error in record.refused.items() if not record.put else ():
        yield translate("put({job!r}) raised {error}.", job=job, error=error)
    for job in record.unfinished:
        where, what = record.last_seen(job) or [], _describe_faults(record, translate)
        ended, puts = record.ended.count(job), record.puts[job]
        text = "in {keys}" if where else "in no key of the server"
        keys = translate(text, keys=", ".join(where))
        reason = next((complaint(error, translate) for error in record.of("error")[::-1]), "")
        text = "{job} is still {where}, and no worker requeued it in time ({what})"
        if not what:
            text = "{job} was enqueued and never ran to its end; it is {where}"
            if ended:
                text = "{job} ran to its end only {ended} of {puts} times; it is {where}"
                if not where:
                    reason = reason or translate("ack removes other jobs with the same text")
            reason = reason or next(_reasons(record, where, translate), "")
        elif not where:
            text = "{job} was nowhere: not in its list any more, and in no other list ({what})."
            yield translate(text, job=job, what=what)
        text = translate(text, job=job, where=keys, what=what, ended=ended, puts=puts)
        yield translate("; ").join(filter(None, (text, reason))) + translate(".")


def _reasons(record: Record, where: list[str], translate: Translate) -> Iterator[str]:
    """Yield possible reasons why a job does not run although the judge injected no fault."""
    puts, claims = record.sent("put"), record.sent("claim")
    for job in record.times:
        if job not in record.put:
            yield translate("claim returned {job!r}, which was never enqueued", job=job)
    for crash in record.of("crashed"):
        yield translate("a process of the queue ended: {error}", **crash)
    for job, times in record.times.most_common(1):
        if times > 1:
            text = "{job} ran {times} times instead: nothing removes it from its list"
            yield translate(text, job=job, times=times)
    if puts == []:
        yield translate("put sent no command to Redis")
    if claims == []:
        yield translate("claim sent no command to Redis")
    if claims is None and puts:
        yield translate("claim does not come back")
    text = "claim looks elsewhere, or does not return the job: it sends {commands}"
    if not where:
        text = "claim took it with {commands}, and returned None (is a return missing?)"
    if claims and (where or any(MOVES.search(sent.split()[0]) for sent in claims)):
        yield translate(text, commands="; ".join(claims))


def _describe_faults(record: Record, translate: Translate) -> str:
    """Describe the process with the latest fault: its first fault, and its last halt.

    Return "" if there was no fault.
    """
    broken = [act for act in record.of("act") if act["act"] not in REPAIRS]
    if not broken:
        return ""
    who = broken[-1]["to"]
    act = translate(next(act["act"] for act in broken if act["to"] == who))
    steps = [halt["step"] for halt in record.of("halt") if halt["who"] == who]
    text = "{act} to {who} at {step}" if steps else "{act} to {who}"
    return translate(text, act=act, who=who, step="".join(steps[-1:]))


def _order(_: Plan, record: Record, translate: Translate) -> Iterator[str]:
    begun = list(dict.fromkeys(run.job for run in record.runs))
    expected = [job for job in record.put if job in begun]
    put_began = {event["job"]: event["at"] for event in record.of("putting")}
    # the order of concurrent puts is not defined
    if not any(
        record.put.get(other, inf) < put_began.get(one, inf)
        for one, other in combinations(begun, 2)
    ):
        return
    pairs = enumerate(zip(begun, expected, strict=False))
    first = next((place for place, (one, other) in pairs if one != other), 0)
    jobs, runs = (", ".join(names[first : first + _MANY]) for names in (expected, begun))
    yield translate("Enqueued as {jobs}; run as {runs}.", jobs=jobs, runs=runs)


def _waits(_: Plan, record: Record, translate: Translate) -> Iterator[str]:
    text = "put({job!r}) came back only after the job had run: the caller waited for it."
    for run in record.runs:  # a job without a duration may end before `put` returns
        if run.end is not None and ":" in run.job and record.put.get(run.job, run.end) >= run.end:
            yield translate(text, job=run.job)


def _twice(plan: Plan, record: Record, translate: Translate) -> Iterator[str]:
    for job in record.doubled:
        workers = [run.who for run in record.runs if run.job == job]
        text = "{job} ran {times} times, on {workers}: looking for it and taking it are two steps."
        if plan.level == 7:
            text = (
                "{job} was taken from {one}, which was alive and running it, "
                "and ran again on {other}."
            )
        names = translate(" and on ").join(dict.fromkeys(workers))
        one, other = workers[:2]
        yield translate(text, job=job, times=len(workers), workers=names, one=one, other=other)


def _back(_: Plan, record: Record, translate: Translate) -> Iterator[str]:
    if not record.unfinished and record.back > BACK:
        text = "The job of the killed worker ran again only after {seconds:.1f} s."
        yield translate(text, seconds=record.back)


def _harm(_: Plan, record: Record, translate: Translate) -> Iterator[str]:
    paused = [event["to"] for event in record.of("act") if event["act"] == Act.PAUSE]
    in_hand = [e for e in record.of("halt") if not e["step"].startswith("rescue")]
    for job, times in record.times.items():
        if times > 1 and job.startswith("late"):
            text = (
                "{who} came back, took {job}, and still counted as dead: "
                "the job ran on another worker at the same time."
            )
            yield translate(text, who=paused[-1], job=job)
        if times > len(in_hand) + 1:
            text = "{job} ran {times} times: a check before the pause was out of date after it."
            both = "{job} ran {times} times: two workers rescued it at once, and both gave it back."
            yield translate(text if paused else both, job=job, times=times)


def _poison(plan: Plan, record: Record, translate: Translate) -> Iterator[str]:
    if (runs := len(record.poison_runs)) > ENDLESS:
        text = "The poison job killed {runs} workers, and is tried again without end."
        yield translate(text, runs=runs)
    yield from _lost(plan, record, translate)
    for look in record.of("look"):
        if look["job"] == NOBODYS and look["keys"]:
            text = "where returned {place} for a job that was never enqueued."
            yield translate(text, place=", ".join(look["keys"]))
    looks = record.last_seen("poison-1")
    if looks == [] and record.of("seen"):
        text = "The poison job is gone after {runs} tries: no dead-letter list keeps it."
        if runs == 1:
            text = "The poison job is gone after one try: no dead-letter list keeps it."
        yield translate(text, runs=runs)


def _accepted(plan: Plan, record: Record, translate: Translate) -> Iterator[str]:
    text = "put({job!r}) refused while the server was down ({error}): nothing kept it for later."
    for job, error in record.refused.items():
        yield translate(text, job=job, error=error)
    for waits in record.of("put waits"):
        yield translate("put({job!r}) did not come back while the server was down.", **waits)
    acts = {event["act"]: float(event["at"]) for event in record.of("act")}
    down, up = acts.get(Act.SERVER, 0.0), acts.get(REPAIRS[1], 0.0)
    for job in record.unfinished:
        text = "put({job!r}) came back while the server was down, and the job is lost."
        at = record.put[job]
        if at < down:
            text = "put({job!r}) came back before the server was killed, and the job is lost."
        elif up and at > up:
            text = "put({job!r}) came back when the server was there again, and the job is lost."
        elif plan.producer_dies:
            text = (
                "put({job!r}) came back while the server was down, "
                "and the job is lost by the producer's SIGKILL."
            )
        yield translate(text, job=job)


def _shown_twice(_: Plan, record: Record, translate: Translate) -> Iterator[str]:
    seen: dict[str, str] = {}
    for run in record.runs:
        if run.end is not None and seen.setdefault(run.message_id, run.job) != run.job:
            text = "{job} and {other} have one message id: one is never seen."
            yield translate(text, job=run.job, other=seen[run.message_id])
    for job, ids in Counter(seen.values()).items():
        if ids > 1:
            text = "{job} was delivered twice, with two message ids: the reader sees it twice."
            yield translate(text, job=job)


#: The checks of single levels. In addition, `_not_put` and `_lost` check every level.
_CHECKS: dict[int, _Check] = {
    2: _order,
    3: _waits,
    4: _twice,
    6: _back,
    7: _twice,
    8: _harm,
    9: _poison,
    11: _accepted,
    12: _shown_twice,
}
