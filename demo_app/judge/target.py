"""What can be judged: something that plays roles, beside a server."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from demo_app.judge.leash import Leash
from demo_app.judge.role import Role
from demo_app.judge.server import Server


class CannotJudge(Exception):
    """The target can't be run at all; says why in one sentence."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence. Where the judge raised it helps nobody."""
        return [str(self)]


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started. send: sends a signal to it and all that it started."""

    send: Callable[[signal.Signals], None]
    alive: Callable[[], bool]


class Target(Protocol):
    """See the module. stepped: whether its processes halt at each command."""

    name: str
    stepped: bool
    leash: Leash

    def server(self, folder: Path) -> Server:
        """A server for a trial, which has that folder."""

    def start(self, role: Role) -> Running:
        """Start a process that plays the role."""

    def close(self) -> None:
        """End everything that was started."""
