"""A Celery worker that a learner starts by hand, with any options."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from demo_app.stack.process import Process
from demo_app.stack.roles import Plan, readiness
from demo_app.verification.demo.timeline import Kill
from lab.uninterruptible import uninterruptible

if TYPE_CHECKING:
    from lab.control import Control

#: Seconds that a worker may take to answer, on a slow and busy machine.
PATIENCE = 45.0


class ManualWorker:
    """A Celery worker beside the stack's own; it has the stack's mark, so the reaper knows it.

    through: a program that is given the worker's command, and becomes the worker.
    """

    def __init__(
        self,
        lab: Control,
        plan: Plan,
        arguments: tuple[str, ...],
        through: tuple[str, ...] = (),
    ) -> None:
        self._lab = lab
        command = [*through, sys.executable, "-m", "celery", "-A", "demo_app.worker", "worker"]
        command += ["--without-mingle", "--without-gossip", "--loglevel", "WARNING", *arguments]
        log = plan.folder.logs / "started-by-hand.log"

        def begin() -> Process:
            self._process = Process("worker", command, plan.environment(), log, lambda _: None)
            lab.also_end(self)
            return self._process

        self.pid = uninterruptible(begin).pid
        try:
            ready = readiness("worker", plan, self.pid)
            self._process.wait_until(ready, PATIENCE, "The worker started by hand")
        except BaseException:
            self.end()
            raise

    def __repr__(self) -> str:
        state = "is running" if self._process.alive else "is dead"
        return f"The Celery worker with pid {self.pid} {state}."

    def kill_when_busy(self) -> None:
        """SIGKILL to the whole worker, in the middle of a job."""
        self._when_busy(self.end)

    def kill_child_when_busy(self) -> None:
        """SIGKILL to the children that run its jobs, in the middle of one; the worker lives on."""

        def kill_children() -> None:
            for child in psutil.Process(self.pid).children():
                with suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)

        self._when_busy(kill_children)

    def stop_when_busy(self) -> None:
        """SIGTERM, as a deployment sends it, in the middle of a job; returns when it has ended."""
        self._when_busy(lambda: self._process.send(signal.SIGTERM))
        self._process.wait(PATIENCE)

    def end(self) -> None:
        """Kill it and its children."""
        self._process.send(signal.SIGKILL)
        self._process.wait(PATIENCE)

    def _when_busy(self, act: Callable[[], None]) -> None:
        # the slow mail server has a mail in hand, so the worker is in the middle of sending it
        self._lab.until(self._lab.fault_hits, "a job in the middle of its work")
        self._lab.kills.append(Kill(time.time(), self.pid, f"by-hand-{self.pid}"))
        act()
