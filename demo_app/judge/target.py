"""What can be judged: something that plays roles, beside a server."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from demo_app.judge.leash import Leash
from demo_app.judge.role import Role
from demo_app.judge.server import RedisServer, Server


class CannotJudge(Exception):
    """The target can't be run at all; says why in one sentence."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence. Where the judge raised it helps nobody."""
        return [str(self)]


def private_folder(prefix: str) -> Path:
    """A new folder that only this user can enter, whose path is short enough for sockets in it."""
    short = len(tempfile.gettempdir()) < 40
    return Path(tempfile.mkdtemp(prefix=prefix, dir=None if short else "/tmp"))


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started. send: sends a signal to it and all that it started. owns: whether
    a pid is its own, or one of a process that may speak for it."""

    send: Callable[[signal.Signals], None]
    alive: Callable[[], bool]
    owns: Callable[[int], bool]


class Target:
    """See the module.

    stepped: whether it says at which step of which method it is. trusted: whether it is a library,
    and nobody's hand-in. has_where: whether it says itself where a job is. open_to: why it is not
    isolated; "" if it is. password: of its server, which then has an address that others can
    reach. work: the folder of all its trials. leash: ends what it has started.
    """

    stepped = trusted = has_where = False
    open_to = password = ""

    def __init__(self, name: str) -> None:
        self.name, self.work, self.leash = name, private_folder("judge-"), Leash()

    def own(self, path: Path) -> None:
        """Give a file to the user as whom it runs, who may be the judge's."""

    def server(self, folder: Path) -> Server:
        """A server for a trial, which has that folder."""
        return RedisServer(folder, self.leash, self.password)

    def start(self, role: Role) -> Running:
        """Start a process that plays the role."""
        raise NotImplementedError

    def close(self) -> None:
        """End everything that was started."""
        self.leash.end()
        shutil.rmtree(self.work, ignore_errors=True)
