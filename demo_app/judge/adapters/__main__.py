"""``python -m demo_app.judge.adapters MODULE:NAME``: a producer or a worker, as its role says."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from typing import Any

from demo_app.judge.role import Role, produce


def main(adapter: str) -> None:
    """See the module. adapter: a function of one of the package's modules."""
    module, _, name = adapter.partition(":")
    play, role = getattr(import_module(f"{__package__}.{module}"), name), Role.mine()
    with asyncio.Runner() as runner:

        def done(answer: Any) -> Any:
            return runner.run(answer) if asyncio.iscoroutine(answer) else answer

        put = done(play(role))
        if role.jobs:
            produce(role, lambda job: done(put(job)))


if __name__ == "__main__":
    main(sys.argv[1])
