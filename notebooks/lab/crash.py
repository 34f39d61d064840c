"""The same crash for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from demo_app.jobs.backend import backend_named
from demo_app.jobs.capabilities import Death
from lab.bars import Bar, bars_picture
from lab.running import Lab
from lab.show import Picture, Table

#: Who runs the jobs where there is no worker process.
_IN_WEB_APP = ("memory",)
#: Seconds without any mail, and with an empty queue, after which the rest counts as lost: who
#: promises to find a dead worker's jobs is given time for it, however busy the machine is.
_PATIENCE, _PATIENCE_WITH_PROMISES = 4.0, 60.0


@dataclass(frozen=True, slots=True)
class Crashed:
    """What a backend made of the crash. lost: no mail, when everything had been still for a while.
    promises: the deaths that it says it survives."""

    backend: str
    comments: int
    arrived: int
    lost: int
    promises: str


def crash(*backends: str, comments: int = 8) -> list[Crashed]:
    """Post comments, kill whoever runs their jobs when as many run as can, and count; each backend
    in a lab of its own, side by side."""
    with ThreadPoolExecutor(len(backends)) as pool:
        return list(pool.map(lambda backend: _crash(backend, comments), backends))


def crash_table(results: Sequence[Crashed]) -> Table:
    """One row a backend."""
    rows = [(one.backend, one.comments, one.arrived, one.lost, one.promises) for one in results]
    return Table(("backend", "comments", "mails", "lost", "what it promises to survive"), rows)


def crash_picture(results: Sequence[Crashed]) -> Picture:
    """A bar a backend: what arrived, and what was lost."""
    bars = [Bar(one.backend, one.arrived, 0, one.lost) for one in reversed(results)]
    told = [f"{one.backend}: of {one.comments} mails, {one.lost} lost" for one in results]
    return bars_picture(bars, "comments, and what came of their mails", "; ".join(told) + ".")


def _crash(backend: str, comments: int) -> Crashed:
    survives = backend_named(backend).capabilities.survives
    # without the outbox, which would keep for a while what the backend itself loses
    lab = Lab(beside=True, backend=backend, without=("outbox",))
    try:
        lab.slow_mail(30.0)  # nothing is done before the kill, however slow the machine is
        lab.post(comments)
        # as many as run at once; no job is being taken at this moment, which is another matter
        lab.until(lambda: lab.fault_hits() >= lab.stack.options.concurrency, "jobs at work")
        lab.kill_process("web" if backend in _IN_WEB_APP else "worker", meanwhile=lab.faults)
        rescues = Death.WORKER in survives
        lab.until(lambda: not lab.client.summary()["queued"], "an empty queue")
        lab.until_mails_are_still(_PATIENCE_WITH_PROMISES if rescues else _PATIENCE)
        ledger = lab.ledger()
        promises = ", ".join(sorted(survives)) or "nothing"
        return Crashed(backend, ledger.comments, ledger.arrived, ledger.missing, promises)
    finally:
        lab.close()
