"""The same crash for every backend, and what each of them lost."""

from __future__ import annotations

from contextlib import closing

from demo_app.jobs.backend import backend_named
from demo_app.jobs.capabilities import Death
from lab.figures import Outcome
from lab.running import Lab
from lab.together import run_together

_COMMENTS = 8
#: Seconds without any mail, and with an empty queue, after which the rest counts as lost. A backend
#: that promises to find a dead worker's jobs is given more time, for busy machines.
_PATIENCE, _PATIENCE_WITH_PROMISES = 4.0, 60.0


def crash(*backends: str) -> list[Outcome]:
    """Post 8 comments, kill the process that runs their jobs when it is as busy as it can be, and
    count; each backend in its own lab, side by side."""
    return run_together(_crash, backends, len(backends), "the crash of every backend")


def _crash(backend: str) -> Outcome:
    # without the outbox, which would hand over again what the backend itself loses
    with closing(Lab(beside=True, backend=backend, without=("outbox",))) as lab:
        lab.slow_mail(30.0)  # nothing is done before the kill, however slow the machine is
        lab.post(_COMMENTS)
        # as many jobs as can run at once; no job is being claimed at this moment
        lab.until(lambda: lab.fault_hits() >= lab.stack.options.concurrency, "jobs at work")
        lab.kill_process("web" if backend == "memory" else "worker", meanwhile=lab.faults)
        lab.until(lambda: not lab.client.summary()["queued"], "an empty queue")
        survives = backend_named(backend).capabilities.survives
        patience = _PATIENCE_WITH_PROMISES if Death.WORKER in survives else _PATIENCE
        lab.until_still(patience, enough=lambda stats: stats["distinct"] >= _COMMENTS)
        ledger = lab.ledger()
        return Outcome(backend, ledger.arrived, ledger.missing)
