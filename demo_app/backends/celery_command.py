"""How a Celery worker of this project is started, and who put a job in."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from uuid import uuid4


def worker_command() -> list[str]:
    """The command of one Celery worker, whose node name no other one has."""
    without = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
    name = ["--hostname", f"worker-{uuid4().hex[:8]}@%h", "--loglevel", "WARNING"]
    return [sys.executable, "-m", "demo_app.worker", *without, *name]


@cache
def program() -> str:
    """What this program is called in a job's history: ``web`` for ``python -m demo_app.web``, else
    the name of the module or file that runs."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is None:
        return Path(getattr(main, "__file__", None) or "python").stem
    return str(spec.name).removesuffix(".__main__").rpartition(".")[2]
