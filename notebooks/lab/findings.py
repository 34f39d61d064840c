"""The findings of the lessons. Each finding is a sentence, shown if a measurement confirms it.

The lessons do not contain the findings, because a learner would read them before the prediction.
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class Finding(NamedTuple):
    """A conclusion of a lesson, and the measured value for which it is true.

    Attributes:
        expected: the measured value, or a function that returns True for such a value. If a busy
            machine measures a different value, the sentence is not shown.
    """

    expected: float | str | Callable[[Any], bool]
    sentence: str

    def is_shown_by(self, measured: float | str) -> bool:
        return self.expected(measured) if callable(self.expected) else measured == self.expected


#: The findings by question. For a question without a finding, the measured number is enough.
FINDINGS = {
    "Mail takes 2 seconds. How many seconds does the reader wait?": Finding(
        lambda seconds: seconds < 2,
        "the answer does not wait for the mail. The web app only wrote down that it has to be "
        "sent.",
    ),
    "5 comments, and the worker is killed. How many mails arrive?": Finding(
        5, "the worker died, another one took over, and every mail arrived."
    ),
    "The mail takes 0.3 s. How long does the reader wait?": Finding(
        lambda seconds: seconds >= 0.3, "the reader waits for the mail server."
    ),
    "Is the mail sent?": Finding("no", "the program said thank you, and there is no mail."),
    "8 comments, thanked for. How many mails arrive after the crash?": Finding(
        lambda mails: mails < 8,
        "work in the memory of a process dies with the process. The reader was thanked all the "
        "same.",
    ),
    "Four threads, 12 jobs. How many start or end out of their place?": Finding(
        lambda jobs: jobs > 0,
        "with one thread all three orders are the same. With four threads, jobs still start in "
        "order, but a short job can finish before a long one.",
    ),
    "After the SIGTERM: are the rest still in order?": Finding(
        "no",
        "Celery put the prefetched jobs back one at a time, each in front of the last. Nothing "
        "was lost, but first in is no longer first out.",
    ),
    "200 jobs in a Redis that writes nothing. How many are left?": Finding(
        0, "if it is only in memory, you can't promise to keep it."
    ),
    "A snapshot after 150 jobs, 50 more, the kill. How many are left?": Finding(
        150, "a snapshot keeps what was there when it was taken. Everything after it is lost."
    ),
    "appendfsync=no, 200 jobs, kill -9. How many are left?": Finding(
        200, "Redis never asked for the disk, and still the kill took nothing."
    ),
    "40 comments, one worker killed mid-run. How many mails arrive?": Finding(
        40, "the kill cost time, and no mail."
    ),
    "Stock Celery, the same kill. How many of 40 mails are missing?": Finding(
        lambda mails: mails >= 1,
        "with stock settings, the mails of the jobs that the killed worker had claimed have not "
        "arrived.",
    ),
    "After this, where is the job?": Finding(
        "nowhere",
        "the comment is published, but the mail job exists nowhere: not in a process, not in a "
        "list.",
    ),
    "One comment, two healthy workers: how many send its mail?": Finding(
        lambda workers: workers >= 2,
        "the second worker found the job of the healthy one, and ran it as well.",
    ),
    "Only the child is killed. Does the mail come?": Finding(
        "yes", "the child's parent noticed, and gave the job back."
    ),
    "4 times '451 try again later', 3 comments. How many mails arrive?": Finding(
        3,
        "a failure that passes needs patience. A job that failed waited, and was tried again, "
        "until its mail was accepted.",
    ),
    "20 jobs with fixed waits: how many at once, in a tenth of a second?": Finding(
        lambda jobs: jobs > 0, "without jitter the jobs come back together, again and again."
    ),
    "The server says 550. How many tries until the job is given up?": Finding(
        1, "a failure that stays is not tried again."
    ),
    "One poison job. How many workers does it kill until it is given up?": Finding(
        lambda workers: workers > 1, "the system gave the poison job up. All other jobs are done."
    ),
    "Two slow jobs. How many seconds does it take to enqueue both?": Finding(
        lambda seconds: seconds < 1, "whoever enqueues a job does not wait for its result."
    ),
    "Which backends send all 8 mails in the end?": Finding(
        "rq and celery",
        "memory lost everything: the running jobs and the waiting ones. huey kept the waiting "
        "jobs and lost the running ones: it deletes a job from its file before running it. rq and "
        "celery lost nothing: they find a dead worker's jobs again.",
    ),
    "Which evening should raise an alarm?": Finding(
        "second",
        "on the busy evening many jobs wait, but the queue moves, and it ends. When no worker "
        "runs, only few jobs wait, but the oldest of them waits longer and longer.",
    ),
    "Of the seven rungs, how many have nothing lost, late, or shown twice?": Finding(
        1, "each rung closes the gap of one fault."
    ),
    "20 comments, one of two workers is silent: how many mails?": Finding(
        20, "a worker that is silent is treated as dead, and the others take over its jobs."
    ),
    "16 parcels ordered, one kill, a new worker: how many get packed?": Finding(
        lambda parcels: parcels < 16, "some parcels are not packed."
    ),
    "The same again, with claims: how many get packed?": Finding(
        16, "nothing was lost, and nothing waited for an hour."
    ),
    "Its worker is killed. Where is job 17?": Finding(
        "a worker",
        "the job was claimed, and nothing happened after that. It is in the list of a worker that "
        "is dead.",
    ),
}
