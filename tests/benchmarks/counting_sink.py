"""One bare aiosmtpd process that counts mails: ``python -m benchmarks.counting_sink PORT``.

It prints a line with the count and the moment each time it is asked, on standard input.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from aiosmtpd.smtp import SMTP


class _Counter:
    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.count += 1
        self.last = time.time()
        return "250 OK"


async def _serve(port: int) -> None:
    counter = _Counter()
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(counter, hostname="bench.test", loop=loop)

    server = await loop.create_server(session, "127.0.0.1", port)
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(counter.count, counter.last, flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
