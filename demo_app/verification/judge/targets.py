"""Which target a command line means."""

from __future__ import annotations

from pathlib import Path

from demo_app.verification.judge.adapter import PACKAGES, Adapter
from demo_app.verification.judge.learners import Learners
from demo_app.verification.judge.record import Say
from demo_app.verification.judge.target import CannotJudge, Target

#: The queues with an adapter.
NAMES = tuple(PACKAGES)


def target_of(name: str, say: Say = str.format) -> Target:
    """The target of a command line: ``FILE.py:CLASS``, ``command:COMMAND``, or one of `NAMES`.

    Raises CannotJudge.
    """
    kind, _, command = name.partition(":")
    if name in NAMES or kind == "command":
        return Adapter(kind, command)
    path, _, queue_class = name.rpartition(":")
    if not path.endswith(".py") or not queue_class:
        known = ", ".join(NAMES)
        told = f"{name!r} is neither FILE.py:CLASS nor command:COMMAND nor one of {known}."
        raise CannotJudge(told)
    if not Path(path).is_file():
        raise CannotJudge(f"There is no file {path}.")
    return Learners(name, say)
