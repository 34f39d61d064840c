"""What can be judged: something that plays roles, beside a server."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from demo_app.judge.leash import Leash, send_to_all
from demo_app.judge.role import FILES, Role
from demo_app.judge.server import RedisServer, Server


class CannotJudge(Exception):
    """The target can't be run at all; says why in one sentence."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence. Where the judge raised it helps nobody."""
        return [str(self)]


_NAME = "judging-"
#: The folders of this process, with the locks that say that it lives.
_locks: dict[Path, int] = {}


def private_folder() -> Path:
    """A new folder that only this user can enter, whose path is short enough for sockets in it.
    Those of processes that were killed go."""
    root = Path(tempfile.gettempdir() if len(tempfile.gettempdir()) < 36 else "/tmp")
    for old in root.glob(f"{_NAME}*"):
        with suppress(OSError):  # it is locked: it belongs to somebody who lives
            lock = os.open(old, os.O_NOFOLLOW | os.O_DIRECTORY)  # a pipe would wait
            try:
                found = os.fstat(lock)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # between its making and its lock a new one has no owner
                if os.geteuid() in (0, found.st_uid) and time.time() - found.st_mtime > 60:
                    shutil.rmtree(old, ignore_errors=True)
            finally:
                os.close(lock)
    new = Path(tempfile.mkdtemp(prefix=_NAME, dir=root))
    _locks[new] = os.open(new, os.O_RDONLY)
    fcntl.flock(_locks[new], fcntl.LOCK_EX)
    return new


def remove(folder: Path) -> None:
    """Remove what `private_folder` made; may be called twice."""
    shutil.rmtree(folder, ignore_errors=True)
    if (lock := _locks.pop(folder, None)) is not None:
        os.close(lock)


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
    reach. work, servers: the folders of all its trials, in `FILES` what they may write to, and of
    their servers. leash: ends what it has started.
    """

    stepped = trusted = has_where = False
    open_to = password = ""

    def __init__(self, name: str) -> None:
        self.name, self.leash = name, Leash()
        self._folder = private_folder()
        self._folder.chmod(0o711)
        self.work, self.servers = (self._folder / part for part in ("work", "servers"))
        for one in (self.work, self.servers):
            one.mkdir(mode=0o700)
        (self.work / FILES).mkdir()

    def own(self, path: Path) -> None:
        """Give a file to the user as whom it runs, who may be the judge's."""

    def server(self, folder: Path) -> Server:
        """A server for a trial, which has that folder."""
        return RedisServer(folder, self.leash, self.password, bounded=self.stepped)

    def start(self, role: Role) -> Running:
        """Start a process that plays the role."""
        raise NotImplementedError

    def close(self) -> None:
        """End everything that was started."""
        self.leash.end()
        remove(self._folder)
