"""Processes that a learner starts beside the stack, such as a Celery worker with own options."""

from __future__ import annotations

import signal
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


class Beside:
    """A process that ends with its lab; it has the stack's mark, so the reaper knows it."""

    def __init__(self, lab: Control, name: str, command: list[str], **environment: str) -> None:
        self._lab = lab
        plan = lab.stack.plan
        log = plan.folder.logs / f"{name}-started-by-hand.log"
        all_ = {**plan.environment(), **environment}

        def begin() -> Process:
            self._process = Process(name, command, all_, log)
            lab.at_end.callback(self.kill)
            return self._process

        self.pid = uninterruptible(begin).pid

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until it does its work; it is killed when the wait fails or is interrupted."""
        try:
            with Progress("what you started"):
                self._process.wait_until(ready, PATIENCE, "What you started")
        except BaseException:
            self.kill()
            raise

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.alive

    def output(self) -> str:
        """What it has written so far."""
        return self._process.output()

    def kill(self) -> None:
        """SIGKILL to it and its children; may be called twice."""
        self._process.send(signal.SIGKILL)
        self._process.wait(PATIENCE)


class ManualWorker(Beside):
    """A Celery worker beside the stack's own. arguments: its options."""

    def __init__(self, lab: Control, arguments: tuple[str, ...], **environment: str) -> None:
        command = [sys.executable, "-m", "celery", "-A", "demo_app.worker", "worker"]
        command += ["--without-mingle", "--without-gossip", "--loglevel", "WARNING", *arguments]
        super().__init__(lab, "worker", command, **environment)
        self.wait_until(readiness("worker", lab.stack.plan, self.pid))

    def __repr__(self) -> str:
        alive = "The Celery worker with pid {pid} is running."
        dead = "The Celery worker with pid {pid} is dead."
        return say(alive if self._process.alive else dead, pid=self.pid)
