"""The ladder: the same faults on each rung (a way to run jobs), and counts of the mails."""

import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from demo_app.backends.stock import held_by_kombu
from lab.challenge import YOURS, blog_on
from lab.figures import Outcome
from lab.running import Lab
from lab.show import LabError, Table
from lab.together import run_together


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run jobs.

    Attributes:
        by_hand: the command-line options of the Celery worker that the campaign itself starts; ()
            if the stack starts the workers.
        still: seconds without a change after which the campaign stops waiting for mails.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()
    still: float = 1.5


#: Number of comments for each fault. The wipe gets three times as many.
_COMMENTS = 4
#: Names of the safeguards that the lower rungs do not have.
_BARE = ("outbox", "dedupe")
#: The options of the rung with early acknowledgements, on which the stack starts no workers.
_EARLY = {"transport": "stock", "workers": 0, "persistence": False, "without": _BARE}
#: The rungs from the lowest up; each adds a safeguard.
RUNGS = (
    Rung("in memory", {"backend": "memory", "without": _BARE}),
    Rung("Redis, early ack", _EARLY, ("--", "task_acks_late=0")),
    Rung("+ late ack, AOF", {"transport": "stock", "without": _BARE}),
    Rung("+ claim, rescue", {"without": _BARE}),
    Rung("+ outbox", {"without": ("keep", "dedupe")}),
    Rung("+ Message-ID", {"without": ("keep",)}),
    Rung("+ kept until done", {}),
)


#: The faults that the campaign causes on every rung, in this order.
FAULTS = (
    "the web app is killed",
    "its jobs' process is killed",
    "Redis is killed",
    "an answer is lost",
    "Redis is wiped",
)


def climb() -> dict[str, list[Outcome]]:
    """Run the campaign on all rungs in parallel.

    If the learner's own queue class has been stored as `YOURS`, add a rung with this class and
    without an outbox. On this rung the campaign waits longer for missing mails (12 seconds, like
    the judge).

    Returns:
        The outcomes of the faults, by the name of the rung.
    """
    rungs = [*RUNGS]
    if YOURS.exists():
        alone = blog_on(YOURS, workers=1, without=("outbox",))
        rungs.append(Rung("your queue", alone, still=12.0))
    found = run_together(_campaign, rungs, len(rungs), "the campaign on every rung")
    return {rung.name: outcomes for rung, outcomes in zip(rungs, found, strict=True)}


def _campaign(rung: Rung) -> list[Outcome]:
    """Start a lab for the rung, cause each of the FAULTS, and return their outcomes.

    The web app, and later the process that runs the jobs, is killed while jobs run. Redis is killed
    while two jobs wait, and two more comments are posted while it is down. One reply of the mail
    server is dropped. Redis is wiped while some jobs run and others wait.
    """
    # with a short lease a rescue takes only a second, so that the campaign is short
    quick = {"DEMO_LEASE_SECONDS": "1", "DEMO_BEAT_SECONDS": "0.2"}
    environment = {**quick, **rung.options.get("environment", {})}
    with closing(Lab(background=True, **{**rung.options, "environment": environment})) as lab:
        without = lab.stack.options.without
        rescues = lab.stack.options.backend == "celery" and not lab.stock
        memory = lab.stack.options.backend == "memory"
        by_hand = [lab.celery(*rung.by_hand)] if rung.by_hand else []
        ends = [0]
        part = partial(_part, lab, ends, rung.still)

        with part(patient=not memory):
            _post_and_wait_until_running(lab)
            lab.kill_process("web", meanwhile=lab.faults)

        with part(patient=rescues):
            _post_and_wait_until_running(lab)
            if by_hand:
                by_hand[0].kill()
                lab.faults()
                by_hand = [lab.celery(*rung.by_hand)]
            else:
                lab.kill_process("web" if memory else "worker", meanwhile=lab.faults)

        lost = _COMMENTS // 2 if "outbox" in without else 0
        with part(patient=rescues, extra=-lost):
            workers = lab.stack.ready["pids"].get("worker", []) + [one.pid for one in by_hand]
            _send(signal.SIGSTOP, workers)  # so that both jobs wait
            _post(lab, _COMMENTS // 2)
            lab.stack.kill("redis", restart=False)
            _send(signal.SIGCONT, workers)
            _post(lab, _COMMENTS // 2)
            lab.start("redis")
            if lab.stock:  # stock Celery needs seconds to reconnect, and seems idle until then
                lab.until_worker_waits()

        with part(patient=rescues, count="accepted", extra=1):
            lab.faults({"at": "reply", "do": "drop_reply", "times": 1})
            _post(lab, _COMMENTS)

        held = _held(lab, {row["job_id"] for row in lab.rows("SELECT job_id FROM comments")})
        with _part(lab, ends, max(rung.still, 4.5), patient=not {"outbox", "keep"} & {*without}):
            lab.faults({"at": "reply", "do": "wait", "seconds": 3.0})  # jobs run during the wipe
            _post(lab, 3 * _COMMENTS)  # more than the worker runs and prefetches, so some jobs wait
            lab.until(lambda: lab.fault_hits() > 0, "a job in the middle of its work")
            lab.redis.flushall()
            lab.faults()
        return _count(lab, ends, held)


@contextmanager
def _part(
    lab: Lab,
    ends: list[int],
    still: float,
    *,
    patient: bool,
    count: str = "distinct",
    extra: int = 0,
) -> Iterator[None]:
    """Wait, after the block, for the mails of the comments that the block has posted.

    Args:
        ends: 0, and the last comment's id of each earlier part. After the block, the last comment's
            id of this part is appended.
        still: seconds without a change after which the wait ends.
        patient: True if all mails should arrive; then `still` is 30 seconds.
        count: the name of the mail server's count of arrived mails, such as "distinct".
        extra: the number of expected mails minus the number of comments. It is negative if some
            mails are never sent.
    """
    before = lab.client.mail_stats()[count]
    yield
    ends.append(int(lab.rows("SELECT max(id) FROM comments")[0][0]))
    mails = before + ends[-1] - ends[-2] + extra
    lab.until_still(30.0 if patient else still, enough=lambda stats: stats[count] >= mails)


def _post_and_wait_until_running(lab: Lab) -> None:
    """Slow the mail server down, post comments, and wait until a job runs, but none is done."""
    lab.slow_mail(30.0)
    _post(lab, _COMMENTS)
    lab.until(lambda: lab.fault_hits() > 0, "a job in the middle of its work")


def _send(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, number)


def _post(lab: Lab, comments: int) -> None:
    for _ in range(comments):
        with suppress(LabError):  # the reader sees an error and does not retry
            lab.post(1)


def _count(lab: Lab, ends: Sequence[int], held: set[str]) -> list[Outcome]:
    """Return the outcome of each fault.

    Args:
        ends: 0, and the id of the last comment of each fault.
        held: the jobs that were in Redis before the wipe.
    """
    mails = Counter(mail["job_id"] for mail in lab.client.all_mails())
    jobs = {row["id"]: row["job_id"] for row in lab.rows("SELECT id, job_id FROM comments")}
    found = []
    for fault, (first, last) in zip(FAULTS, pairwise(ends), strict=True):
        mine = [job for number, job in jobs.items() if first < number <= last]
        missing = {job for job in mine if job not in mails}
        late, twice = len(missing & held), sum(mails[job] > 1 for job in mine)
        found.append(Outcome(fault, len(mine) - len(missing), len(missing) - late, late, twice))
    return found


def _held(lab: Lab, jobs: set[str]) -> set[str]:
    if lab.stock:
        has = held_by_kombu(lab.redis)
        return jobs & {*has.waiting, *has.taken}
    lists = [lab.redis.lrange(key, 0, -1) for key in lab.redis.scan_iter(_type="list")]
    return {job for job in jobs if job in str(lists)}


def ladder_table(climbed: dict[str, list[Outcome]]) -> Table:
    lines = [(name, *(one.cost or "–" for one in row)) for name, row in climbed.items()]
    return Table(("rung", *FAULTS), lines)
