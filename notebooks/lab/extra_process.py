"""Further processes of a lab, such as a Celery worker with any options."""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from demo_app.rig.process import Process, StackError
from demo_app.rig.uninterruptible import uninterruptible
from demo_app.stack import Stack
from lab.language import translate
from lab.progress import Progress
from lab.show import LabError

#: Seconds until a process must be ready, even on a slow and busy machine.
PATIENCE = 45.0


def line_number(output: str) -> str:
    """Return ", line N" for the last traceback line in a learner's module; "" if there is none.

    `lab.program.Program` stores the module my_app in a folder whose name begins with "my_app-".
    """
    found = re.findall(r'/(\w+)-[^/"]+/\1\.py"(, line \d+)', output)
    return found[-1][1] if found else ""


class NotReady(LabError):
    """A started process has ended, or did not become ready in time."""


class ExtraProcess(Process):
    """A process that ends with its lab.

    If the kernel is killed, the reaper (`demo_app.rig.reaper`) kills the process. The reaper finds
    the process by an environment variable (only on Linux).
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
        """Wait until `ready` returns True. Kill the process if it does not become ready.

        Raises:
            NotReady: the process has ended, or `PATIENCE` is over. The message ends with the last
                line of the log. If a traceback contains a line of the learner's module, the line's
                number follows.
        """
        try:
            with Progress("what you started"):
                self.wait_until(ready, PATIENCE, "What you started")
        except BaseException as error:
            self.kill()
            if isinstance(error, StackError):
                raise NotReady(f"{error}{line_number(self.output())}") from None
            raise

    def __repr__(self) -> str:
        text = "Process {pid} is running." if self.alive else "Process {pid} is dead."
        return translate(text, pid=self.pid)
