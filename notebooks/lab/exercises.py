"""The tests behind `check`. Exercise "n.m" belongs to lesson n."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from demo_app.jobs.outcome import Succeeded
from lab.checks import Hint, exercise, number, some_of, word
from lab.jobs import work
from lab.order import name_of
from lab.times import percentile

if TYPE_CHECKING:
    from lab.mysteries import Mystery
    from lab.running import Lab


def _matched(answer: dict[str, Any], right: dict[str, str], hint: str) -> Hint:
    """An answer that has one of several words for each thing. hint: for the first wrong one."""
    if any(said is ... for said in answer.values()):
        return ...
    words = sorted(set(right.values()))
    if answer.keys() != right.keys() or not set(answer.values()) <= set(words):
        return f"give one of {', '.join(map(repr, words))} for each of the {len(right)}."
    wrong = [name for name in right if answer[name] != right[name]]
    return hint.format(wrong[0]) if wrong else None


@exercise("0.1")
def _web_app(answer: int, lab: Lab) -> str | None:
    pids = lab.stack.ready["pids"]
    if not isinstance(answer, int):
        return "a pid is a number, without quotes."
    if answer in pids["web"]:
        return None
    for role, found in pids.items():
        if answer in found:
            return f"that is the pid of another process ({role}). Which one shows the blog?"
    return "no running process of this lab has that pid. Draw the map again: pids change."


@exercise("0.2")
def _subject(answer: str, lab: Lab) -> str | None:
    subjects = {mail["subject"] for mail in lab.client.mails()["messages"]}
    if answer in subjects and not answer.startswith("Reader "):
        return None
    if not lab.finished():
        return "some mails are still on their way. lab.wait() waits for them; then look again."
    if all(subject.startswith("Reader ") for subject in subjects):
        return (
            'no mail names you. Post a comment with author="..." and a name that is not "Reader".'
        )
    if answer in subjects:
        return "that mail is about another reader's comment. Look for the mail that names you."
    return "no mail has this subject. Give the subject alone, as it is in the inbox."


@exercise("1.1")
def _median(answer: Callable[[Sequence[float]], object]) -> Hint:
    if answer([1.0]) is ...:
        return ...
    lists = [[3.0], [2.0, 1.0], [5.0, 1.0, 3.0], [4.0, 1.0, 2.0, 8.0]]
    lists += [[random.random() for _ in range(size)] for size in (7, 10, 30)]
    for values in lists:
        if answer(list(values)) != percentile(values, 50):
            return f"for {len(values)} values it is wrong. Are they sorted when you count?"
    return None


some_of(
    "1.2",
    {"resize an uploaded photo", "a yearly report as CSV", "tell followers of a new post"},
    {"check a password", "show the page"},
    "can the reader go on without this: {}?",
    "something is missing. What is slow, or may come later?",
)


@exercise("2.1")
def _backwards(answer: list[str], lab: Lab) -> str | None:
    if list(answer) != lab.started()[-3:]:
        return "wait for the end of the jobs, and give the last three of `started()`."
    if sorted(answer) != ["a", "b", "c"]:
        return 'the last three jobs that started are not called "a", "b" and "c".'
    if list(answer) == ["c", "b", "a"]:
        return None
    jobs = [job for job in lab.seen().jobs if job.runs][-3:]
    enqueued = sorted(jobs, key=lambda job: job.enqueued)
    if enqueued == sorted(jobs, key=lambda job: job.runs[-1].began):
        return "they started in the order in which you enqueued them. What can change that?"
    return "nearly: look at which list each of them was in."


number(
    "2.2", 10 * 0.5, "Little's law, above, has one step: rate × wait. Which numbers are they here?"
)

_MODES = {"always", "everysec", "no"}
some_of("3.1", _MODES, set(), "", "you counted it above: what was left under each?")
some_of(
    "3.2",
    {"always"},
    _MODES - {"always"},
    "with {}, is every answered job on the disk before Redis answers?",
    "one setting puts every job on the disk before Redis answers.",
)
word(
    "3.3",
    "LPUSH",
    {"RPUSH": "that one wrote into the job's own list. Look for the queue's name."},
    "find the queue's name in the log, and read the word before it.",
)


@exercise("4.1")
def _interrupted(answer: set[str], lab: Lab) -> str | None:
    jobs = lab.seen().jobs
    if not isinstance(answer, set):
        return "give a set, as in {...}: the order does not matter."
    if not answer <= {job.id for job in jobs}:
        return "something in your set is not the id of a job since the lab started."
    right = {job.id for job in jobs if job.rescued}
    if answer - right:
        return "some of these jobs never lost a worker."
    return (
        None if answer == right else "some are missing. How did the earlier runs of each job end?"
    )


_FATES = {
    "stock Celery, early": "lost",
    "stock Celery, late": "late by the visibility timeout",
    "this project": "late by a lease",
}


@exercise("4.2")
def _fates(answer: dict[str, Any]) -> Hint:
    return _matched(answer, _FATES, "what did the lesson count, or find in Redis, for {!r}?")


@exercise("5.1")
def _message_id(answer: str, lab: Lab) -> str | None:
    mails = lab.client.mails()["messages"]
    for mail in mails:
        if answer == mail["message_id"]:
            return None if mail["deliveries"] > 1 else "that mail was delivered only once."
        if answer == mail["job_id"]:
            return "that is the job's id; the mail has its own id."
    return "a Message-ID is in angle brackets, with an @ in it. Look into the inbox."


some_of(
    "5.2",
    {"late by a lease", "maybe sent twice"},
    {"lost", "late by the visibility timeout", "maybe shown twice"},
    "is {} really true here? Look at the ledger again.",
    "something is missing: think of both the time and the mail.",
)

_SAID = {"421 too many connections": "again", "550 no such person": "dead", "no answer": "again"}


@exercise("6.1")
def _again_or_dead(answer: dict[str, Any]) -> Hint:
    return _matched(answer, _SAID, "can this pass without help: {}?")


@exercise("6.2")
def _backoff(answer: Callable[[float, int], Any]) -> Hint:
    if answer(1, 3) is ...:
        return ...
    for first, tries in ((1, 2), (1, 3), (0.5, 5), (3, 6)):
        given = list(answer(first, tries))
        if len(given) != tries - 1:
            return f"for {tries} tries you give {len(given)} waits."
        if given[0] != first:
            return "the first wait is not `first`."
        if any(b != 2 * a for a, b in pairwise(given)):
            return "each wait should be twice the one before it."
    return None if answer(1, 1) == [] else "with a single try there is nothing to wait for."


word(
    "7.1",
    "inline",
    {},
    "look at how long the last reader waited, in the first table; or at lesson 01.",
)
some_of(
    "7.2",
    {"a number", "a list of words", "the id of a comment"},
    {"a date", "an open file"},
    "what would JSON make of this: {}?",
    "something is missing that JSON can carry.",
)


@exercise("7.3")
def _backend(answer: Callable[[], Any]) -> Hint:
    backend = answer()
    jobs = [work.job(name=name) for name in "abc"]
    backend._enqueue(jobs[:2])
    if not backend.waiting:
        return ...
    if len(backend.waiting) != 2:
        return f"after `_enqueue` of two jobs, {len(backend.waiting)} are waiting."
    backend._enqueue(jobs[2:])
    for job in jobs:
        outcome = backend.run_next()
        if not isinstance(outcome, Succeeded):
            return "`run_next` does not return what `perform` returns."
        if outcome.value != job.arguments["name"]:
            return "the jobs ran in another order than they came."
    return "a job that was run is still waiting." if backend.waiting else None


word(
    "8.1",
    "False",
    {"True": "add up the states, and compare the sum with `enqueued`."},
    "say True or False.",
)
#: Depth, latency in seconds, dead; whether somebody must look; the evening in words.
_EVENINGS = [
    (900, 12, 0, False, "many wait, and none of them long"),
    (3, 75, 0, True, "few wait, and one of them too long"),
    (0, 0, 1, True, "a job was given up"),
    (0, 0, 0, False, "all is quiet"),
    (900, 75, 4, True, "everything at once"),
]


@exercise("8.2")
def _alarm(answer: Callable[[int, float, int], Any]) -> Hint:
    if answer(0, 0, 0) is ...:
        return ...
    for depth, latency, dead, right, words in _EVENINGS:
        if bool(answer(depth, latency, dead)) is not right:
            return f"think of this evening: {words}."
    return None


#: A job is late after so many seconds; and how many others have to be on time.
_LATE, _ON_TIME = 4.0, 5


@exercise("8.3")
def _one_late(answer: int, lab: Lab) -> str | None:
    jobs = lab.seen().jobs
    if unfinished := sum(job.done is None for job in jobs):
        return f"not done yet: {unfinished} of your jobs. `a` starts again what is dead; then wait."
    late = [job for job in jobs if job.done and job.done - job.enqueued > _LATE]
    if not late:
        return f"late so far: none of {len(jobs)}. What keeps a job for some seconds?"
    if len(late) > 1:
        return f"{len(late)} jobs were late. `z` is a clean start: try once more."
    if len(jobs) <= _ON_TIME:
        return f"one job was late. Now {_ON_TIME - len(jobs) + 1} more that are on time."
    if str(answer) != name_of(lab.redis, late[0].id):
        return "one job was late, as it should be, but not this one. Look at `staged.timeline()`."
    return None


word(
    "9.1",
    "outbox",
    {
        "claim": "that one closes the gap between the queue and the worker.",
        "rescue": "that one brings back what a dead worker held.",
        "Message-ID": "that one is about a mail that arrives twice.",
        "AOF": "that one is about what Redis had already.",
    },
    "one of the five words, please.",
)
number("9.2", 36_000 / 3600 * 0.5, "use Little's law again, from above.")
_ORDER = ["early ack", "late ack", "claim", "outbox"]


@exercise("9.3")
def _order(answer: list[str]) -> str | None:
    if not isinstance(answer, list) or sorted(answer) != sorted(_ORDER):
        return "give a list of all four, each once; a set has no order."
    wrong = [n for n, name in enumerate(_ORDER, 1) if answer[n - 1] != name]
    return f"look at place {wrong[0]} again, in the picture." if wrong else None


@exercise("10.1")
def _address(answer: str) -> str | None:
    if answer == "claims+rediss://:secret@queue.example.test:6379/2":
        return None
    if not isinstance(answer, str):
        return "give the address as a text, in quotes."
    if "rediss" not in answer:
        return "the connection was encrypted, and should stay so."
    return "put one word before the address, and leave the rest as it is."


some_of(
    "10.2",
    {"charge a credit card", "add 1 to a counter"},
    {"set a user's language to Japanese", "delete yesterday's log"},
    "{} twice has the same result as once.",
    "who would see that it ran twice: the customer, or the person who reads the number?",
)


def _solved(answer: Any, lab: Mystery) -> Hint:
    return lab.judge(answer)


for _name in ("11.1", "11.2", "11.3", "11.4", "12.1", "12.2", "12.3", "12.4"):
    exercise(_name)(_solved)
