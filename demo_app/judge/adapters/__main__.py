"""The process that runs an adapter: ``python -m demo_app.judge.adapters MODULE:NAME``."""

import sys
from importlib import import_module

from demo_app.judge.role import Role, produce


def main(adapter: str) -> None:
    """Run the role of this process with an adapter. If the role has jobs, enqueue them.

    Args:
        adapter: ``MODULE:NAME``, a function in a module of this package.
    """
    module, _, name = adapter.partition(":")
    run_role, role = getattr(import_module(f"{__package__}.{module}"), name), Role.mine()
    put = run_role(role)
    if role.jobs:
        produce(role, put)


if __name__ == "__main__":
    main(sys.argv[1])
