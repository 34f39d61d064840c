"""The same crash for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from demo_app.jobs.backend import backend_named
from demo_app.jobs.capabilities import Death
from lab.control import run_together
from lab.figures import Bar, bars_picture
from lab.running import Lab
from lab.show import Picture, Table

#: Backends whose jobs run in the web app, because there is no worker process.
_IN_WEB_APP = ("memory",)
#: Seconds without any mail, and with an empty queue, after which the rest counts as lost. A backend
#: that promises to find a dead worker's jobs is given more time, for busy machines.
_PATIENCE, _PATIENCE_WITH_PROMISES = 4.0, 60.0


@dataclass(frozen=True, slots=True)
class Crashed:
    """What a backend made of the crash. lost: no mail, when nothing had moved for a while.
    promises: the deaths that it says it survives."""

    backend: str
    comments: int
    arrived: int
    lost: int
    promises: str


def crash(*backends: str, comments: int = 8) -> list[Crashed]:
    """Post comments, kill the process that runs their jobs when it is as busy as it can be, and
    count; each backend in its own lab, side by side."""
    run = partial(_crash, comments=comments)
    return run_together(run, backends, len(backends), "the crash of every backend")


def crash_table(results: Sequence[Crashed]) -> Table:
    """One row per backend."""
    rows = [(one.backend, one.comments, one.arrived, one.lost, one.promises) for one in results]
    return Table(("backend", "comments", "mails", "lost", "what it promises to survive"), rows)


def crash_picture(results: Sequence[Crashed]) -> Picture:
    """A bar per backend: what arrived, and what was lost."""
    bars = [Bar(one.backend, one.arrived, 0, one.lost) for one in results]
    words = [f"{one.backend}: of {one.comments} mails, {one.lost} lost" for one in results]
    return bars_picture(bars, "comments, and what became of their mails", "; ".join(words) + ".")


def _crash(backend: str, comments: int) -> Crashed:
    survives = backend_named(backend).capabilities.survives
    # without the outbox, which would keep for a while what the backend itself loses
    lab = Lab(beside=True, backend=backend, without=("outbox",))
    try:
        lab.slow_mail(30.0)  # nothing is done before the kill, however slow the machine is
        lab.post(comments)
        # as many jobs as can run at once; no job is being claimed at this moment
        lab.until(lambda: lab.fault_hits() >= lab.stack.options.concurrency, "jobs at work")
        lab.kill_process("web" if backend in _IN_WEB_APP else "worker", meanwhile=lab.faults)
        lab.until(lambda: not lab.client.summary()["queued"], "an empty queue")
        patience = _PATIENCE_WITH_PROMISES if Death.WORKER in survives else _PATIENCE
        lab.until_still(patience, enough=lambda stats: stats["distinct"] >= comments)
        ledger = lab.ledger()
        promises = ", ".join(sorted(survives)) or "nothing"
        return Crashed(backend, ledger.comments, ledger.arrived, ledger.missing, promises)
    finally:
        lab.close()
