"""The same crash for every backend."""

from __future__ import annotations

from demo_app.jobs.backends import backend_named
from lab.running import Lab

#: Who runs the jobs where there is no worker process.
_IN_WEB_APP = ("memory",)
#: Seconds without any mail after which the rest counts as missing: who promises to find a dead
#: worker's jobs is given time for it.
_PATIENCE = {"celery": 60.0, "rq": 10.0}


def crash(backend: str, comments: int = 8) -> tuple[str, int, int, int, str]:
    """Post comments, kill whoever runs their jobs in the middle of it, and count.

    Returns the backend's name, how many mails were promised, how many came, how many did not
    until everything had been still for a while, and what the backend promises to survive.
    """
    lab = Lab(backend=backend)
    lab.slow_mail(0.4)
    lab.post(comments)
    lab.until(lambda: lab.fault_hits() > 0, "a job in the middle of its work")
    lab.kill_process("web" if backend in _IN_WEB_APP else "worker")
    promised = backend_named().capabilities.survives
    lab.until_mails_are_still(_PATIENCE.get(backend, 3.0))
    ledger = lab.ledger()
    told = ", ".join(sorted(promised)) or "nothing"
    return backend, ledger.comments, ledger.arrived, ledger.missing, told
