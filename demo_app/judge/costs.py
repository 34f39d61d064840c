"""Two figures of a queue that is judged. They are no part of a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from demo_app.judge.judge import Verdict
from demo_app.judge.levels import MANY
from demo_app.judge.record import Record

#: The level at which a worker is killed in its job, and another is ready.
AFTER_A_KILL = 6
COMMANDS, BACK = "commands a job", "seconds until a killed worker's job runs again"


def costs(verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    """Return both figures by their names; None for a figure that these levels did not show."""
    trials = [trial for verdict in verdicts for trial in verdict.trials]
    # many jobs waited, and nothing was broken
    busy = [t.record for t in trials if not t.plan.faults and len(t.plan.jobs) >= MANY]
    commands = [found for record in busy if (found := _commands(record))]
    backs = [trial.record.back for trial in trials if trial.plan.level == AFTER_A_KILL]
    return {COMMANDS: min(commands, default=None), BACK: max(backs, default=0.0) or None}


def format_cost(figure: float | None) -> str:
    """Return the figure as text, "–" for None."""
    return "–" if figure is None else f"{figure:.1f}"


def _commands(record: Record) -> float:
    """Return the commands of a put and of a worker from job to job, 0 if the cable shows none."""
    puts: list[int] = [event["sent"] for event in record.of("finished")]
    begins: list[int] = [event["sent"] for event in record.of("begin")]
    if not (any(puts) and begins[1:]):
        return 0.0
    return puts[0] / len(record.put) + (begins[-1] - begins[0]) / (len(begins) - 1)
