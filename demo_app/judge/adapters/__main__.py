"""``python -m demo_app.judge.adapters NAME``: be a producer or a worker, as the role says."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from typing import Any

from demo_app.judge.role import Role, produce


def main(name: str) -> None:
    """See the module. name: of the adapter."""
    adapter, role = import_module(f"{__package__}.{name}"), Role.mine()
    with asyncio.Runner() as runner:

        def done(answer: Any) -> Any:
            return runner.run(answer) if asyncio.iscoroutine(answer) else answer

        if role.jobs:
            put = done(adapter.producer())
            produce(role, lambda job: done(put(job)))
        else:
            done(adapter.worker())


if __name__ == "__main__":
    main(sys.argv[1])
