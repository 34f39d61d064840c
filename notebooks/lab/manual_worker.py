"""Processes that a learner starts beside the stack, such as a Celery worker with own options."""

from __future__ import annotations

import sys
from collections.abc import Callable

from demo_app.stack.process import Process
from demo_app.stack.roles import readiness
from demo_app.uninterruptible import uninterruptible
from lab.control import Control
from lab.language import say
from lab.progress import Progress

#: Seconds that a process may take to answer, on a slow and busy machine.
PATIENCE = 45.0


class Beside(Process):
    """A process that ends with its lab; it has the stack's mark, so the reaper knows it."""

    def __init__(self, lab: Control, name: str, command: list[str], **environment: str) -> None:
        self._lab = lab
        plan = lab.stack.plan
        log = plan.folder.logs / f"{name}-started-by-hand.log"

        def begin() -> None:
            Process.__init__(self, name, command, {**plan.environment(), **environment}, log)
            lab.at_end.callback(self.kill)

        uninterruptible(begin)

    def until_ready(self, ready: Callable[[], bool]) -> None:
        """Wait until it does its work; it is killed when the wait fails or is interrupted."""
        try:
            with Progress("what you started"):
                self.wait_until(ready, PATIENCE, "What you started")
        except BaseException:
            self.kill()
            raise


class ManualWorker(Beside):
    """A Celery worker beside the stack's own. arguments: its options."""

    def __init__(self, lab: Control, arguments: tuple[str, ...], **environment: str) -> None:
        command = [sys.executable, "-m", "celery", "-A", "demo_app.worker", "worker"]
        command += ["--without-mingle", "--without-gossip", "--loglevel", "WARNING", *arguments]
        super().__init__(lab, "worker", command, **environment)
        self.until_ready(readiness("worker", lab.stack.plan, self.pid))

    def __repr__(self) -> str:
        alive = "The Celery worker with pid {pid} is running."
        dead = "The Celery worker with pid {pid} is dead."
        return say(alive if self.alive else dead, pid=self.pid)
