"""The tests that `check` runs. Exercise "n.m" is in lesson n; exercises.toml has simple tests."""

import random
import tomllib
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path
from statistics import median_high, median_low
from typing import Any

from demo_app.jobs.outcome import Succeeded
from lab.capstone import Tried
from lab.jobs import work
from lab.kinds import Hint, dict_test, exercise, set_test, word
from lab.language import translate
from lab.running import Lab

#: The hint for a function without a `return`.
_NOTHING = "your function gives nothing back. Is there a `return`?"


@exercise("0.1")
def _web_app(answer: int, lab: Lab) -> str | None:
    if answer in lab.stack.ready["pids"]["web"]:
        return None
    if answer == lab.client.web.base_url.port:
        return "that is the web app's port, the number in its address. Its pid is on the map."
    return "that is not the pid of the web app. Draw the map again: pids change."


@exercise("0.2")
def _subject(answer: Any, lab: Lab) -> str | None:
    if not isinstance(answer, str):
        return 'give the subject alone: each mail has it under "subject".'
    subjects = {mail["subject"] for mail in lab.client.mails()["messages"]}
    if answer in subjects and not answer.startswith("Reader "):
        return None
    if not lab.finished():
        return "some mails are still on their way. lab.wait() waits for them; then look again."
    return 'no mail that names you has this subject. Post a comment with author="...".'


@exercise("1.1")
def _median(answer: Callable[[Sequence[float]], object]) -> Hint:
    if answer([1.0]) is ...:
        return ...
    lists = [[3.0], [2.0, 1.0], [5.0, 1.0, 3.0], [4.0, 1.0, 2.0, 8.0]]
    lists += [[round(random.random(), 2) for _ in range(size)] for size in (5, 7, 10)]
    for values in lists:
        if (given := answer(list(values))) is None:
            return _NOTHING
        low, high = median_low(values), median_high(values)
        if given not in (low, (low + high) / 2, high):  # accept each definition of a median
            text = "for {values} it is wrong. Are they sorted when you count?"
            return translate(text, values=values)
    return None


@exercise("4.1")
def _interrupted(answer: set[str], lab: Lab) -> str | None:
    jobs = lab.seen().jobs
    if not isinstance(answer, set):
        return "give a set, as in {...}: the order does not matter."
    right = {job.id for job in jobs if job.rescued}
    if answer == right:
        return None
    if answer - right:
        return "some of these jobs never lost a worker."
    return "some are missing. How did the earlier runs of each job end?"


@exercise("5.3")
def _message_id(answer: str, lab: Lab) -> str | None:
    mails = lab.client.mails()["messages"]
    for mail in mails:
        if answer == mail["message_id"]:
            return None if mail["deliveries"] > 1 else "that mail was delivered only once."
        if answer == mail["job_id"]:
            return "that is the job's id; the mail has its own id."
    return "a Message-ID is in angle brackets, with an @ in it. Look into the inbox."


@exercise("6.3")
def _backoff(answer: Callable[[float, int], Any]) -> Hint:
    if answer(1, 3) is ...:
        return ...
    for first, tries in ((1, 2), (1, 3), (0.5, 5), (3, 6), (1, 1)):
        if (found := answer(first, tries)) is None:
            return _NOTHING
        if not isinstance(found, Iterable):
            return "give a list of waits, as in [1, 2]."
        given = list(found)
        if given != [first * 2**wait for wait in range(tries - 1)]:
            text = "it gives {given} for a first wait of {first} and {tries} tries."
            return translate(text, given=given, first=first, tries=tries)
    return None


@exercise("7.3")
def _backend(answer: Callable[[], Any]) -> Hint:
    backend = answer()
    jobs = [work.job(name=name) for name in "abc"]
    backend._enqueue(jobs[:2])
    if not backend.waiting:
        return ...
    if len(backend.waiting) != 2:
        text = "after `_enqueue` of two jobs, the number of jobs that wait is {n}."
        return translate(text, n=len(backend.waiting))
    backend._enqueue(jobs[2:])
    if len(backend.waiting) != len(jobs):
        text = "after a second `_enqueue`, {n} of {all} jobs wait. Are those before it still there?"
        return translate(text, n=len(backend.waiting), all=len(jobs))
    for job in jobs:
        try:
            outcome = backend.run_next()
        except AttributeError as error:
            if "ellipsis" in str(error):
                return "`_enqueue` is right. Now replace the `...` in `run_next`."
            raise
        if not isinstance(outcome, Succeeded):
            return "`run_next` does not return what `perform` returns."
        if outcome.value != job.arguments["name"]:
            return "the jobs ran in another order than they came."
    return "a job that was run is still waiting." if backend.waiting else None


@exercise("8.2")
def _alarm(answer: Callable[[int, float, int], Any]) -> Hint:
    if answer(0, 0, 0) is ...:
        return ...
    for depth, latency, dead in product((0, 3, 900), (0, 13, 59, 61, 75), (0, 1)):
        if depth == 0 and latency:
            continue  # without waiting jobs there is no latency
        if bool(answer(depth, latency, dead)) is not (latency > 60 or dead > 0):
            text = "think of this evening: {depth} wait, the oldest for {latency} s, {dead} dead."
            return translate(text, depth=depth, latency=latency, dead=dead)
    return None


#: _LATE: seconds after which a job is late. _ON_TIME: number of other, punctual jobs.
_LATE, _ON_TIME = 4.0, 5


@exercise("8.3")
def _one_late(answer: int, lab: Lab) -> str | None:
    jobs = lab.seen().jobs
    if unfinished := sum(job.done is None for job in jobs):
        text = "not done yet: {n} of your jobs. `a` starts again what is dead; then wait."
        return translate(text, n=unfinished)
    late = [job for job in jobs if job.done and job.done - job.enqueued > _LATE]
    if not late:
        text = "late so far: none of {n}. What keeps a job for some seconds?"
        return translate(text, n=len(jobs))
    if len(late) > 1:
        return translate("{n} jobs were late. `z` is a clean start: try once more.", n=len(late))
    if len(jobs) <= _ON_TIME:
        missing = _ON_TIME - len(jobs) + 1
        return translate("one job was late. Now {n} more that are on time.", n=missing)
    if str(answer) != lab.name_of(late[0].id):
        return "one job was late, as it should be, but not this one. Look at `staged.timeline()`."
    return None


@exercise("12.1")
def _own_app(answer: Any) -> str | None:
    if not isinstance(answer, Tried):
        return "give what `try_out(lab)` returns."
    for trial in answer.trials:
        if trial.held is None and trial.name == "the worker is killed":
            return "your app has no worker yet: the next rung is Celery."
        if trial.held is False:
            return f"{translate(trial.name)}. {trial.story}"
    return None


_simple = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
for _kind in (set_test, word, dict_test):
    for _name, _words in _simple[_kind.__name__].items():
        exercise(_name)(_kind(**_words))
for _number in range(1, 7):
    exercise(f"11.{_number}")(lambda answer, lab: lab.judge(answer))
