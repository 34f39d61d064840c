"""What a queue's promises cost. Nothing here is a part of the verdict: a queue may be dear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, median_low

from demo_app.judge.judge import Verdict
from demo_app.judge.levels import MANY
from demo_app.judge.record import Record

#: The level at which a worker is killed in its job, and another is ready.
AFTER_A_KILL = 6


@dataclass(frozen=True, slots=True)
class Cost:
    """One of them. key: in JSON. name: what it is. figure: None if it could not be asked.

    goal: for a lamp; the least of it that is good, if `more` is better, else the most.
    """

    key: str
    name: str
    goal: float
    figure: float | None = None
    more: bool = False

    @property
    def lit(self) -> bool:
        """Whether it has reached its goal."""
        found = self.figure
        return found is not None and (found >= self.goal if self.more else found <= self.goal)

    @property
    def told(self) -> str:
        """The figure; "–" for none."""
        return "–" if self.figure is None else f"{self.figure:{'.2g' if self.more else '.1f'}}"


def costs(verdicts: Sequence[Verdict]) -> list[Cost]:
    """Of the queue that these verdicts are on, as far as their levels have asked."""
    trials = [trial for verdict in verdicts for trial in verdict.trials]
    # many jobs waited, and nothing was broken
    plain = (trial for trial in trials if not trial.plan.faults)
    busy = [trial.record for trial in plain if len(trial.plan.jobs) >= MANY]
    kills = [trial.record.back for trial in trials if trial.plan.level == AFTER_A_KILL]
    commands = [found for record in busy if (found := _commands(record))]
    shares = [found for record in busy if (found := _share(record))]
    return [
        Cost("commands_a_job", "commands a job", 4.0, min(commands, default=None)),
        Cost("back_s", "seconds until a killed worker's job runs again", 3.0,
             max(kills, default=0.0) or None),
        Cost("beside_lpush", "of a bare LPUSH's jobs a second", 0.25,
             median_low(shares) if shares else None, more=True),
    ]  # fmt: skip


def _commands(record: Record) -> float:
    """Those of a put, and of a worker from one job to the next; 0 where the cable shows none."""
    puts: list[int] = [event["sent"] - len(record.of("pushed")) for event in record.of("measured")]
    begins: list[int] = [event["sent"] for event in record.of("begin")]
    if not (any(puts) and begins[1:]):
        return 0.0
    return puts[0] / len(record.put) + (begins[-1] - begins[0]) / (len(begins) - 1)


def _share(record: Record) -> float:
    """The time of a bare LPUSH, of that of a put, and of a worker from one job's end to the next
    one's begin. Of each the median: others may have the processor meanwhile."""
    bare, put = record.gaps("pushes", "pushed"), record.gaps("putting", "put")
    on = record.gaps("end", "begin")
    return median(bare) / (median(put) + median(on)) if bare and put and on else 0.0
