"""Play a role: ``python -m demo_app.judge.adapters MODULE:NAME``."""

from __future__ import annotations

import sys
from importlib import import_module

from demo_app.judge.role import Role, produce


def main(adapter: str) -> None:
    """Play this process's role with an adapter, a function of one of the package's modules."""
    module, _, name = adapter.partition(":")
    play, role = getattr(import_module(f"{__package__}.{module}"), name), Role.mine()
    put = play(role)
    if role.jobs:
        produce(role, put)


if __name__ == "__main__":
    main(sys.argv[1])
