"""Mysteries: running systems with a fault. The learner finds out where job 17 is, and why."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from httpx import HTTPError
from redis.exceptions import RedisError

from lab.language import translate
from lab.look import place_of
from lab.progress import Progress
from lab.running import Lab
from lab.show import LabError, Table

#: The possible places of job 17, and the possible reasons why the job is not done.
PLACES = (
    "the web app's database",
    "a queue",
    "a worker",
    "scheduled",
    "retrying",
    "dead",
    "done",
    "nowhere",
)
REASONS = (
    "its worker is dead",
    "its worker is paused",
    "no worker takes from this queue",
    "the worker asks another Redis",
    "Redis does not run",
    "Redis refuses to write",
    "the mail server does not run",
    "the mail server refuses this mail",
    "its mail arrived, the answer did not",
    "it kills every worker that runs it",
    "it was written by a clock that was wrong",
    "too many jobs are before it",
)
#: Longest wait for the end of job 17 (seconds). After a repair, a process may have to start, a
#: lease to expire, and the job to run again.
_REPAIRED = 30.0


@dataclass(frozen=True, slots=True)
class Case:
    """The fault of a mystery.

    Attributes:
        happens: causes the fault in the mystery's system, and returns the id of job 17.
        where, why: the right answer.
        hints: the weakest one first.
    """

    happens: Callable[["Mystery"], str]
    where: str
    why: str
    hints: Sequence[str]


class Mystery(Lab):
    """A lab with a fault. Because of the fault, job 17 is not done.

    Attributes:
        number: the mystery's number, 1 to 6.
        job: the id of job 17.
    """

    def __init__(self, number: int, case: Case) -> None:
        super().__init__()
        self.number, self._case, self._opened, self._diagnosed = number, case, 0, False
        try:
            with Progress("the mystery to happen"):
                self.job = case.happens(self)
        except BaseException:
            self.close()
            raise

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        text = "Mystery {n}: where is job 17, and why? A place, and a reason from any row:"
        caption = translate(text, n=self.number)
        pairs = list(zip_longest(map(translate, PLACES), map(translate, REASONS), fillvalue=""))
        return Table(("place", "reason"), pairs, caption)._repr_mimebundle_()

    def hint(self) -> Table:
        """Reveal one more hint, and return a table of all revealed hints."""
        hints = self._case.hints
        self._opened = min(self._opened + 1, len(hints))
        left = len(hints) - self._opened
        caption = translate("{n} more" if left else "that was the last one", n=left)
        return Table(
            ("", "hint"), list(enumerate(map(translate, hints[: self._opened]), 1)), caption
        )

    def judge(self, answer: Any) -> str | None:
        """Check an answer, and after the first right answer also the repair.

        The first right answer must name the present place of job 17. The reply is the hint to
        repair the system. Since a repair moves the job, later answers must name the place before
        the repair. If a later answer is right, wait up to 30 seconds until job 17 is done or
        discarded.

        Returns:
            None if the answer is right and the system is repaired; otherwise a hint.
        """
        self.client  # noqa: B018  # raises LabError if closed
        if not isinstance(answer, tuple) or len(answer) != 2:
            return 'give a place and a reason, as in ("done", "Redis does not run").'
        where, why = answer
        for word, known in ((where, PLACES), (why, REASONS)):
            if word not in known:
                text = "{word!r} is not one of the words. Copy them as they are in the table."
                return translate(text, word=word)
        if where != (self._case.where if self._diagnosed else place_of(self, self.job)):
            text = "{where!r} is not the place. Look once more where job 17 is now."
            return translate(text, where=translate(where))
        if why != self._case.why:
            return "the place is right. The reason is another one; the mystery's hint() helps."
        repaired = False
        if self._diagnosed:
            with suppress(LabError):  # not repaired in time
                repaired = self.until(self._ended, "the end of job 17", _REPAIRED)
        self._diagnosed = True
        text = "place and reason are right. Now repair it: job 17 is not done yet."
        return None if repaired else text

    def _ended(self) -> bool:
        try:
            kept = place_of(self, self.job) == "the web app's database"  # not enqueued yet
            return not kept and self.client.job(self.job)["state"] in ("done", "discarded")
        except (RedisError, HTTPError):  # a killed process is being restarted
            return False
