"""The reasons why some mistakes break no promise in any world. `make mutants` reads them."""

import re

from explore.mutants import Mutant

#: For each reason, patterns of the mistakes that it explains, as "FILE FUNCTION: MISTAKE".
REASONS = {
    "a thread does this, and in the exploration there are no threads": (
        r"^broker/heartbeat.py Heartbeat\.(start|stop|_run):",
        *(r"^blog/relay.py Relay\.(start|stop|wake):", r"self\.wake\(\)", r"self\._loops"),
        *("`return 0`", r"^broker/in_flight.py InFlight\.work:", "_rounds"),
    ),
    "the value is only shown, logged or reported to the app": (
        r"^blog/relay.py Relay\.(trouble|has_handed_over|size):",
        *(r"^broker/queue.py Queue\.(size|pause_queue|dead_messages):", "report_dead"),
        *(r"`(passed|journal)\(", "^_prelude.lua add_newest:", "detail or ''", r"or 1\)`$"),
        *("suspected = ", "(moved|purged) = ", "moved, soonest = ", r"Lease\.renew: `return"),
    ),
    "the time of the next check is not promised": (
        *("rescue.lua is_dead: `return", r"InFlight\.rescue: `(beat|beat_ms)\b"),
        *(r"HeldClaims\.refuse_unanswered:", "ZRANGE', key, 1, 0"),
        r"reconciliation.py .*(_round_began|_full_round_due|_last_row == 0|_last_row = 0)",
    ),
    "the only effect is one unnecessary request to Redis": (
        *("_valid_until = ", r"Lease\.check: .*` → `if worker == self\.worker or"),
        *("begins: .* or held", "_announced = True", r"self\._begun = ", "row - 2"),
    ),
    "the exact length of the history is not promised": ("surplus >= ", "surplus > 1", "% 64 ~= "),
    "the mistake matters only with more rows than one request contains": (
        r"_last_row = batch\[-1\]\[0\]`",
    ),
    "in the exploration no process loses its connection for as long as a lease": (
        *("_last_rescue_failed", "connected="),
    ),
    "the process ends directly afterwards": (
        r"^broker/(lease|in_flight).py (Lease\.end|InFlight\.leave): ",
    ),
    "the line only asserts that two lists have the same length": (r"strict=True",),
    "the line handles Celery's own objects, which the exploration does not have": (
        r"^broker/held.py (Held\.forgotten|HeldClaims\.(delivered|forgotten|clear)):",
        "_search_until",
    ),
    "the line matters only for a backend without states, or one that refuses some jobs": (
        r"outbox\.remove\(self\._database, \[row",
    ),
    "no explored step calls this line": ("entries else 1",),
    "a message without a task is not a job": (r"is_job\(id\)",),
    "the line is called only for ended jobs": (r"^keep.lua .*name ~= .discarded",),
}


def reason(mutant: Mutant) -> str:
    """Return the reason why the mistake breaks no promise in any world, or "" if none is known."""
    where = f"{mutant.of}: {mutant.what}"
    for why, places in REASONS.items():
        if any(re.search(place, where) for place in places):
            return why
    return ""
