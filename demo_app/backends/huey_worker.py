"""Run huey's consumer: ``python -m demo_app.backends.huey_worker``."""

import logging
import os

from demo_app.backends.huey import HueyBackend
from demo_app.jobs.task import load_tasks
from demo_app.settings import settings


def main() -> None:
    chosen = settings()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s worker %(message)s")
    load_tasks(chosen.task_modules)
    backend = HueyBackend(chosen)
    storage, mine = backend.huey.storage, f"worker:{os.getpid()}"

    @backend.huey.on_startup()  # type: ignore[untyped-decorator]
    def report_ready() -> None:
        storage.put_data(mine, b"{}")

    backend.huey.create_consumer(
        workers=chosen.concurrency,
        periodic=False,
        initial_delay=0.05,
        max_delay=0.2,
        graceful_signal="TERM",
    ).run()
    storage.pop_data(mine)


if __name__ == "__main__":
    main()
