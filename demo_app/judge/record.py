"""The record of a trial of any queue: the puts, runs and locations of its jobs."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from demo_app.judge.event_log import Event

#: A function that formats a sentence. It may translate the sentence first.
Translate = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job.

    Attributes:
        begin: the start by the machine's monotonic clock (seconds).
        end: the end (seconds), or None if the run was interrupted or still goes on.
    """

    who: str
    job: str
    begin: float
    end: float | None
    message_id: str


def complaint(error: Event, translate: Translate = str.format) -> str:
    """Describe the error that a method of the queue raised, or the wrong value that it returned."""
    sentence = "{method} raised {error}"
    if kind := error.get("type"):
        sentence = (
            "{method} returned {error}, of the type {kind}: it is to return the job's text, or None"
        )
    return translate(sentence, method=error["method"], error=error["error"], kind=kind)


class Record:
    """The record of a trial, derived from all its events."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = sorted(events, key=lambda event: float(event["at"]))
        #: The time at which the last `put` of each job returned, in the order of the first puts.
        self.put: dict[str, float] = {e["job"]: e["at"] for e in self.of("put")}
        #: The number of puts of each job. A job may be enqueued twice.
        self.puts = Counter(e["job"] for e in self.of("put"))
        self.refused: dict[str, str] = {e["job"]: e["error"] for e in self.of("refused")}
        self.runs = self._runs()

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["event"] == kind]

    @property
    def ended(self) -> list[str]:
        """The jobs that ran to their end. A job with two such runs is in the list twice."""
        return [run.job for run in self.runs if run.end is not None]

    @property
    def unfinished(self) -> list[str]:
        """The jobs with more puts than ended runs, except poison pills, which never end."""
        ended = Counter(self.ended)
        return [j for j, n in self.puts.items() if ended[j] < n and not j.startswith("poison")]

    @property
    def lost(self) -> list[str]:
        """The unfinished jobs that were not found by the last search (see `last_seen`)."""
        return [job for job in self.unfinished if self.last_seen(job) == []]

    @property
    def late(self) -> bool:
        """True if a process without a fault woke up much too late."""
        stopped = {act["to"] for act in self.of("act")}
        return any(late["who"] not in stopped for late in self.of("late"))

    @property
    def poison_runs(self) -> list[Run]:
        return [run for run in self.runs if run.job.startswith("poison")]

    @property
    def times(self) -> Counter[str]:
        return Counter(run.job for run in self.runs)

    @property
    def doubled(self) -> list[str]:
        """The jobs with more than one run, and more runs than puts, except poison pills."""
        times = self.times.items()
        return [j for j, n in times if n > max(1, self.puts[j]) and not j.startswith("poison")]

    @property
    def back(self) -> float:
        """The longest time from a fault to the next run of a job (seconds).

        Only jobs with an earlier run count.
        """
        waits = [0.0]
        for job, act in product(self.put, self.of("act")):
            begins = [run.begin for run in self.runs if run.job == job]
            later = [begin for begin in begins if begin > act["at"]]
            if later and len(later) < len(begins):
                waits.append(later[0] - act["at"])
        return max(waits)

    @property
    def slowest(self) -> float:
        """The longest wait of a job: from `put` or a fault to the next run (seconds)."""
        begins: dict[str, float] = {}
        for run in self.runs:
            begins.setdefault(run.job, run.begin)
        waits = (begins[job] - at for job, at in self.put.items() if job in begins)
        return max([self.back, *waits])

    def last_seen(self, job: str) -> list[str] | None:
        """Return the locations that the last search for the job found.

        Return [] if the job was not found, and None if there was no search.
        """
        looks = [e["keys"] for e in self.of("where") if e["job"] == job]
        return looks[-1] if looks else None

    def sent(self, method: str) -> list[str] | None:
        """Return the commands of the method's last call with at least one command.

        Return [] if no call sent a command, and None if no call was logged: the method was not
        called, or did not return.
        """
        calls = [e["commands"] for e in self.of("call") if e["method"] == method]
        return next((sent for sent in reversed(calls) if sent), []) if calls else None

    def _runs(self) -> list[Run]:
        runs: list[Run] = []
        open_: dict[tuple[str, str], int] = {}
        for event in self.events:
            if event["event"] not in ("begin", "end"):
                continue
            mine = event["who"], event["job"]
            if event["event"] == "begin":
                open_[mine] = len(runs)
                runs.append(Run(*mine, event["at"], None, ""))
            elif (at := open_.pop(mine, None)) is not None:
                runs[at] = replace(runs[at], end=event["at"], message_id=str(event["message_id"]))
        return runs
