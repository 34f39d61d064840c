"""A child process in its own session."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from demo_app.rig.polling import poll
from demo_app.rig.reaper import MARKER, ROLE

#: Longest wait for the end of a process after a signal (seconds).
GRACE = 5.0
_GONE = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


class StackError(Exception):
    """A process or a stack cannot start or continue. The message is one sentence."""


def is_alive(pid: int) -> bool:
    """Return True if the process is running. A zombie counts as dead."""
    try:
        return pid > 1 and psutil.Process(pid).status() not in _GONE
    except psutil.NoSuchProcess:
        return False


def role_of(pid: int, mark: str) -> str:
    """Return the role of a living process of the stack with this mark, "" for any other process."""
    with suppress(psutil.Error, OSError, ValueError):
        environment = psutil.Process(pid).environ()
        if mark and environment.get(MARKER) == mark and is_alive(pid):
            return str(environment.get(ROLE, ""))
    return ""


def send_to_all(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and to its descendants in all process groups.

    Before a SIGKILL, stop all these processes, so that none of them can react to the end of another
    process.
    """
    if number is signal.SIGKILL:
        send_to_all(pid, signal.SIGSTOP)
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(pid).children(recursive=True)
        for one in [pid, *(child.pid for child in started)]:
            with suppress(ProcessLookupError):
                os.kill(one, number)


class Process:
    """A child process with a log file.

    The process has its own session. So it does not receive a Ctrl-C in a terminal or an interrupt
    of a notebook's kernel.

    Args:
        environment: the complete environment of the process.
        number: the number of the process within its role.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(
        self,
        role: str,
        command: list[str],
        environment: Mapping[str, str],
        log: Path,
        number: int = 1,
    ) -> None:
        self.role, self.number = role, number
        self.log = log
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._child = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                # discard the sink's stdout, which contains the token; the errors go to stderr
                stdout=subprocess.DEVNULL if role == "smtp" else output,
                stderr=output,
                start_new_session=True,
                # keep SIGXFSZ ignored, as in Python: a write beyond the limit of a file's size
                # must fail with an error, and not end the process
                restore_signals=False,
            )
        self.pid = self._child.pid

    def watch(self, on_exit: Callable[["Process"], None]) -> None:
        """Call `on_exit` in another thread when the process ends."""

        def wait() -> None:
            self._child.wait()
            on_exit(self)

        threading.Thread(target=wait, name=f"wait-{self.role}", daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    @property
    def was_killed(self) -> bool:
        return (self._child.poll() or 0) < 0

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process and its descendants.

        Descendants in another process group, such as RQ's processes for jobs, receive the signal
        only if it is SIGKILL.
        """
        if number is signal.SIGKILL and self.alive:
            with suppress(psutil.Error, OSError):  # psutil fails if no file descriptor is free
                send_to_all(self.pid, number)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.wait(GRACE)

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the process. Return False if it still runs after `seconds`."""
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(seconds)
        return not self.alive

    def output(self) -> str:
        with suppress(OSError), self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode("utf-8", "replace")
        return ""

    def last_log_line(self) -> str:
        lines = [line.strip() for line in self.output().splitlines() if line.strip()]
        return lines[-1] if lines else "its log is empty"

    def wait_until(
        self,
        is_ready: Callable[[], bool],
        seconds: float,
        name: str,
        stopping: threading.Event | None = None,
    ) -> None:
        """Poll until `is_ready` returns True.

        Args:
            name: the process's name in error messages.
            stopping: is set when the stack stops.

        Raises:
            StackError: the process has ended, the time is up, or the stack stops.
        """
        for _ in poll(seconds):
            if is_ready():
                return
            if not self.alive:
                raise StackError(f"{name} did not start: {self.last_log_line()}")
            if stopping and stopping.is_set():
                raise StackError("The stack is shutting down.")
        raise StackError(f"{name} did not answer within {seconds:.0f} s: {self.last_log_line()}")
