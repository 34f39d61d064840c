"""The same crash for every backend."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from demo_app.jobs.backends import backend_named
from lab.running import Lab

#: Who runs the jobs where there is no worker process.
_IN_WEB_APP = ("memory",)
#: Seconds without any mail after which the rest counts as missing: who promises to find a dead
#: worker's jobs is given time for it.
_PATIENCE = {"celery": 60.0, "rq": 10.0}

#: The backend's name; how many mails were promised, came, and did not come until everything had
#: been still for a while; and what the backend promises to survive.
Row = tuple[str, int, int, int, str]


def crash(*backends: str, comments: int = 8) -> list[Row]:
    """Post comments, kill whoever runs their jobs in the middle of it, and count; one row a
    backend, each in a lab of its own, side by side."""
    with ThreadPoolExecutor(len(backends)) as pool:
        counts = list(pool.map(lambda backend: _crash(backend, comments), backends))
    return [(name, *count, _promises(name)) for name, count in zip(backends, counts, strict=True)]


def _crash(backend: str, comments: int) -> tuple[int, int, int]:
    lab = Lab(beside=True, backend=backend)
    try:
        lab.slow_mail(0.4)
        lab.post(comments)
        lab.until(lambda: lab.fault_hits() > 0, "a job in the middle of its work")
        lab.kill_process("web" if backend in _IN_WEB_APP else "worker")
        lab.until_mails_are_still(_PATIENCE.get(backend, 3.0))
        ledger = lab.ledger()
        return ledger.comments, ledger.arrived, ledger.missing
    finally:
        lab.close()


def _promises(backend: str) -> str:
    return ", ".join(sorted(backend_named(backend).capabilities.survives)) or "nothing"
