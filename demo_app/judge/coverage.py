"""The survey of a queue's steps, and the reasons why a level could not be tested."""

from collections.abc import Callable, Iterator, Sequence

from demo_app.judge.levels import Level
from demo_app.judge.plan import Act, Fault, Plan
from demo_app.judge.record import Record, Translate
from demo_app.judge.server import DOWN
from demo_app.judge.targets import Target

#: _TIMES: maximum number of rounds of a survey. After a run, the survey waits (seconds): _QUIET
#: for the report of `ack`, _RESCUED for the report of the `rescue` that requeued the job.
_TIMES, _QUIET, _RESCUED = 3, 0.5, 4.0
#: Levels that kill the server that stores the jobs.
_OF_SERVER = (10, 11)
#: The level with a poison pill, which must end as a dead letter.
_POISON = 9
#: The verdict's reason if a job is missing, but no trial of the level saw a job in the store.
BLIND = (
    "The judge never saw a waiting job in the store, so it can't say whether one is lost: "
    "keep jobs readable, or give the class where(job)."
)
#: A function that runs plans in parallel.
Run = Callable[[Sequence[Plan]], list[Record]]


def survey(run: Run, *, stepped: bool) -> tuple[list[str], set[str]]:
    """Run trials to find the steps of a queue.

    Each round has two trials: one without a fault, and one in which a worker is killed during its
    job. The survey ends after a round with a call of `ack`, or after `_TIMES` rounds. A queue that
    does not report its commands has only one round.

    Args:
        run: runs plans in parallel.
        stepped: True if the queue reports its commands; False if only the proxies report commands.

    Returns:
        All steps, and the sure steps, which every worker with a job passes. The sure steps are the
        steps of the trials without a fault, except the steps of `rescue`. A step of `claim` that
        occurred only in trials with a kill is named ``again:STEP``: it probably rescues a job.
    """
    sure: dict[str, None] = {}
    found: dict[str, None] = {}
    for _ in range(_TIMES):
        plain, killed = run([Plan(1, wait_after=_QUIET),
                             Plan(5, faults=(Fault("run:begin", Act.KILL),),
                                  wait_after=_RESCUED, until_rescue=True)])  # fmt: skip
        known = dict.fromkeys(_steps(plain, stepped))
        sure |= {step: None for step in known if not step.startswith("rescue")}
        found |= known
        for step in _steps(killed, stepped):
            found.setdefault(f"again:{step}" if step.startswith("claim") else step)
        if not stepped or any(event.get("method") == "ack" for event in plain.events):
            break
    steps = [step for step in found if step.removeprefix("again:") not in sure]
    return [*sure, *steps], {*sure}


def _steps(record: Record, stepped: bool) -> Iterator[str]:
    for event in record.events:
        if event["event"] == "call":
            yield from _named(event["method"], event["names"])
        elif event["event"] == "sent" and event["who"][0] == "w" and not stepped:
            yield from _named("cable", event["names"])


def _named(method: str, names: Sequence[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield from (f"{method}:{name}:{seen[name]}:{when}" for when in ("before", "after"))


def is_blind(plan: Plan, records: Sequence[Record]) -> bool:
    """Return True if a job is missing after a fault, and no trial saw any job in the store.

    Args:
        plan: the plan of the failed trial.
        records: the records of all trials of the level; the failed trial is the last one.
    """
    failed = records[-1]
    nowhere = failed.lost or (plan.level == _POISON and failed.last_seen("poison-1") == [])
    looks = [look["keys"] for one in records for kind in ("look", "where") for look in one.of(kind)]
    return bool(nowhere and failed.of("act")) and all(keys in ([], DOWN) for keys in looks)


def reason_not_tested(
    target: Target,
    level: Level,
    steps: Sequence[str],
    records: Sequence[Record],
    missed: Sequence[str],
    translate: Translate,
) -> str:
    """Return the reason why the level counts as not tested; "" if it was tested.

    A library with an adapter always counts as tested.

    Args:
        steps: the steps of the queue (see `survey`).
        records: the records of the level's trials, in which no problem was found.
        missed: steps that no process reached, although a fault was planned there.
    """
    if target.trusted:
        return ""
    for step in missed:
        return translate("Nothing could be broken at {step}: no worker reached it.", step=step)
    if level.at_steps and not any(step.startswith(("claim", "cable")) for step in steps):
        return translate("The judge could not halt claim between two of its steps: it sees none.")
    if level.number in _OF_SERVER and not any(record.of("sent") for record in records):
        return translate("The jobs are not in the judge's server, so killing it tests nothing.")
    if level.number == _POISON and not any(record.last_seen("poison-1") for record in records):
        return translate("The judge can't look for the poison: the class has no where(job).")
    return ""
