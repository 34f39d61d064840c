"""Experiments in several labs in parallel. All labs end if the cell is interrupted."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

from demo_app.jobs.backend import backend_named
from demo_app.jobs.capabilities import Death
from demo_app.rig.polling import poll
from demo_app.rig.uninterruptible import uninterruptible
from lab.figures import Outcome
from lab.progress import Progress
from lab.running import LABS, Lab

Item = TypeVar("Item")
Result = TypeVar("Result")
_COMMENTS = 8
#: If the queue is empty and no mail arrives for this many seconds, missing mails count as lost.
#: Backends that promise to rescue the jobs of dead workers get more time, for busy machines.
_PATIENCE, _PATIENCE_WITH_PROMISES = 4.0, 60.0


def run_together(
    run: Callable[[Item], Result], items: Iterable[Item], at_once: int, what: str
) -> list[Result]:
    """Call `run` for every item, `at_once` in parallel, and show the progress in the cell.

    If the cell is interrupted or a call fails, the labs that were started here are closed, so that
    all calls end.
    """
    before = [*LABS]
    running: list[Future[Result]] = []
    with Progress(what), ThreadPoolExecutor(at_once) as pool:
        try:
            uninterruptible(lambda: running.extend(pool.submit(run, item) for item in items))
            # short waits: a signal that arrives at the beginning of a wait does not end that wait
            for one in running:
                while wait([one], 0.1).not_done:
                    pass
            return [one.result() for one in running]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            uninterruptible(partial(_end, running, before))
            raise


def _end(running: Sequence[Future[Any]], before: Sequence[Lab]) -> None:
    """Close the new labs repeatedly until all calls have ended: a call may start another lab."""
    for _ in poll():
        if all(one.done() for one in running):
            break
        ours = [lab for lab in [*LABS] if lab not in before]
        with ThreadPoolExecutor(len(ours) or 1) as pool:
            list(pool.map(Lab.close, ours))


def crash(*backends: str) -> list[Outcome]:
    """For each backend, post 8 comments, kill the process that runs the jobs, and count the mails.

    Each backend has its own lab; the labs run in parallel. At the kill, all threads run jobs.
    """
    return run_together(_crash, backends, len(backends), "the crash of every backend")


def _crash(backend: str) -> Outcome:
    # run without the outbox, which would hide the losses of the backend
    with closing(Lab(background=True, backend=backend, without=("outbox",))) as lab:
        lab.slow_mail(30.0)  # no job is done before the kill, even on a slow machine
        lab.post(_COMMENTS)
        # once all threads run jobs, the kill cannot interrupt the claim of a job
        lab.until(lambda: lab.fault_hits() >= lab.stack.options.concurrency, "jobs at work")
        lab.kill_process("web" if backend == "memory" else "worker", meanwhile=lab.faults)
        lab.until(lambda: not lab.client.summary()["queued"], "an empty queue")
        survives = backend_named(backend).capabilities.survives
        patience = _PATIENCE_WITH_PROMISES if Death.WORKER in survives else _PATIENCE
        lab.until_still(patience, enough=lambda stats: stats["distinct"] >= _COMMENTS)
        ledger = lab.ledger()
        return Outcome(backend, ledger.arrived, ledger.missing)
