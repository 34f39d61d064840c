"""Further processes of a lab, such as a Celery worker with any options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from demo_app.rig.process import Process
from demo_app.rig.uninterruptible import uninterruptible
from demo_app.stack import Stack
from lab.language import translate
from lab.progress import Progress

#: Seconds until a process must be ready, even on a slow and busy machine.
PATIENCE = 45.0


class ExtraProcess(Process):
    """A process that ends with its lab.

    If the kernel is killed, the reaper (`demo_app.rig.reaper`) kills the process. It finds the
    process by an environment variable (only on Linux).
    """

    def __init__(
        self,
        stack: Stack,
        at_end: ExitStack,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
    ) -> None:
        plan = stack.plan
        environment = {**plan.environment(name.partition("-")[0]), **environment}
        log = plan.folder.logs / f"{name}-started-by-hand.log"

        def begin() -> None:
            Process.__init__(self, name, command, environment, log)
            at_end.callback(self.kill)

        uninterruptible(begin)

    def until_ready(self, ready: Callable[[], bool]) -> None:
        try:
            with Progress("what you started"):
                self.wait_until(ready, PATIENCE, "What you started")
        except BaseException:
            self.kill()
            raise

    def __repr__(self) -> str:
        text = "Process {pid} is running." if self.alive else "Process {pid} is dead."
        return translate(text, pid=self.pid)
