"""What can be judged: something that plays roles, beside a server."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import dataclass

import psutil

from demo_app.judge.role import Role
from demo_app.rig.process import send_to_all
from demo_app.rig.process_group import ProcessGroup


class CannotJudge(Exception):
    """The target can't be run at all; says why in one sentence."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence. Where the judge raised it helps nobody."""
        return [str(self)]


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started, or None if it has ended already."""

    process: psutil.Process | None

    def alive(self) -> bool:
        """Whether it runs; by its end its number may be another one's."""
        with suppress(psutil.NoSuchProcess):
            found = self.process
            return found is not None and found.is_running() and found.status() != "zombie"
        return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and all that it started."""
        if self.process is not None and self.alive():
            send_to_all(self.process.pid, number)


class Target:
    """See the module.

    stepped: whether it says at which step of which method it is. trusted: whether it is a library.
    has_where: whether it says itself where a job is. password: of the servers of its trials, which
    then have an address that others can reach. work: the folder of all trials. group: ends what
    the target has started.
    """

    stepped = trusted = has_where = False
    password = ""

    def __init__(self, name: str) -> None:
        self.name, self.group = name, ProcessGroup()
        self.work = self.group.folder / "work"
        self.work.mkdir(mode=0o700)

    def start(self, role: Role) -> Running:
        """Start a process that plays the role."""
        raise NotImplementedError

    def close(self) -> None:
        """End everything that was started."""
        self.group.end()
