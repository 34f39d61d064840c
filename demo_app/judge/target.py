"""What can be judged: something that plays roles, beside a server."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from demo_app.judge.leash import Leash, send_to_all
from demo_app.judge.role import FILES, Role
from demo_app.judge.server import RedisServer


class CannotJudge(Exception):
    """The target can't be run at all; says why in one sentence."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence. Where the judge raised it helps nobody."""
        return [str(self)]


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started; None if it has ended already. family: whether the processes that
    it starts may speak for it."""

    process: psutil.Process | None
    family: bool = False

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

    def owns(self, pid: int) -> bool:
        """Whether the process with that pid speaks for it."""
        if self.process is None or pid == self.process.pid:
            return self.process is not None
        with suppress(psutil.Error):
            return self.family and self.process in psutil.Process(pid).parents()
        return False


class Target:
    """See the module.

    stepped: whether it says at which step of which method it is. trusted: whether it is a library,
    and nobody's hand-in. has_where: whether it says itself where a job is. open_to: why it is not
    isolated; "" if it is. password: of its server, which then has an address that others can
    reach. work: the folder of all its trials, in `FILES` what they may write to. leash: ends what
    it has started.
    """

    stepped = trusted = has_where = False
    open_to = password = ""

    def __init__(self, name: str) -> None:
        self.name, self.leash = name, Leash()
        self.work = self.leash.folder / "work"
        self.work.mkdir(mode=0o700)
        (self.work / FILES).mkdir()

    def own(self, path: Path) -> None:
        """Give a file to the user as whom it runs, who may be the judge's."""

    def server(self, folder: Path, *, fsync: bool) -> RedisServer:
        """A server for a trial, which has that folder. fsync: whether it has on disk what it
        answers, as far as that is a setting."""
        bounds = {"fsync": fsync, "bounded": self.stepped}
        return RedisServer(folder, self.leash, self.password, **bounds)

    def start(self, role: Role) -> Running:
        """Start a process that plays the role."""
        raise NotImplementedError

    def close(self) -> None:
        """End everything that was started."""
        self.leash.end()
