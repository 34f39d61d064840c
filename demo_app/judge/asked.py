"""What the judge could not ask of a queue: then its level neither holds nor fails."""

from __future__ import annotations

from collections.abc import Sequence

from demo_app.judge.levels import Level
from demo_app.judge.record import Record, Say
from demo_app.judge.target import Target

#: Levels whose question is what happens when the server that has the jobs is killed.
_OF_SERVER = (10, 11)


def not_asked(
    target: Target,
    level: Level,
    steps: Sequence[str],
    records: Sequence[Record],
    missed: Sequence[str],
    where_spoke: bool,
    say: Say = str.format,
) -> str:
    """Why the level was not really asked, in a sentence; "" when it was.

    records: of its trials, in which nothing went wrong. missed: the steps at which something was to
    be broken, and nobody came by. where_spoke: whether the class itself has
    said where a job is. Of a library with an adapter it is known.
    """
    if target.trusted:
        return ""
    unproved = [] if where_spoke else [job for record in records for job in record.unproved]
    if unproved:
        told = (
            "{job} ran, but no answer of the server held it: the judge can't see where it came "
            "from. Keep jobs readable, or give the class where(job)."
        )
        return say(told, job=unproved[0].partition(":")[0])
    if missed:
        told = "Nothing could be broken at {step}: no worker came by there."
        return say(told, step=missed[0])
    is_in_server = any(record.of("seen") for record in records)
    if level.at_steps and not any(step.startswith(("claim", "cable")) for step in steps):
        told = "The judge could not halt claim between two of its steps: it sees none."
        return say(told)
    if level.number in _OF_SERVER and not is_in_server:
        return say("The jobs are not in the judge's server, so that killing it asks nothing.")
    if level.number == 9 and not any(record.last_seen("poison-1") for record in records):
        told = "The judge can't look for the poison: the class has no where(job)."
        return say(told)
    return ""
