"""Why some mistakes break no promise in any world: the table that `make mutants` reads."""

from __future__ import annotations

import re

from explore.mutants import Mutant

#: By reason the places: file and function, a colon, and words of the line.
_REASONS = {
    "a thread does it, and the exploration takes each step itself": (
        r"^broker/heartbeat.py Heartbeat\.(start|stop|_run):",
        r"^broker/heartbeat.py .*: self\._soon =",
        r"^blog/relay.py Relay\.(start|stop|wake):",
        r"^blog/.*: (self\.wake\(\)|self\._loops\[1\]\.wake\(\)|return 0)$",
        r"^broker/in_flight.py InFlight\.(work|_hurry|_acknowledge_at_last):",
        r"^broker/in_flight.py InFlight\.leave: self\.(draining|heartbeat|_acknowledge)",
        r"_rounds",
    ),
    "it is only shown, or told to the app": (
        r"^blog/relay.py Relay\.(trouble|has_handed_over|size|waiting):",
        r"^broker/queue.py Queue\.(size|pause_queue|given_up):",
        r"tell_given_up|self\.given_up",
        r": (passed|journal)\(",
        r"^_prelude.lua add_newest:",
        r"detail or ''",
        r"suspected = |moved = |moved, soonest = |return false end$",
    ),
    "two lists are as long as each other, and the code says so": (r"strict=True",),
    "Celery's own objects stand there, which the exploration has none of": (
        r"^broker/holding.py (Held\.forgotten|Holding\.(delivered|forgotten|clear)):",
        r"_search_until",
    ),
    "the web app hands the job over without its relay": (r"^blog/outbox.py remove_job:",),
    "a message that is no task is no job": (r"is_job\(id\)",),
}


def reason(mutant: Mutant) -> str:
    """Why no world tells the mistake from the code; "" when there is no reason."""
    where = f"{mutant.of}: {mutant.before.strip()}"
    for told, places in _REASONS.items():
        if any(re.search(place, where) for place in places):
            return told
    return ""
