"""One bare aiosmtpd process that counts mails: ``python -m benchmarks.counting_sink PORT``.

Mails with the same Message-ID count once. For each line on standard input, the process prints the
count, and the time of the last new mail (epoch seconds).
"""

import asyncio
import re
import sys
import time
from functools import partial
from typing import Any

from aiosmtpd.smtp import SMTP

_MESSAGE_ID = re.compile(rb"^message-id:.*$", re.IGNORECASE | re.MULTILINE)


class _Counter:
    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.last = 0.0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        found = _MESSAGE_ID.search(envelope.content)
        if found and found[0] not in self.seen:
            self.seen.add(found[0])
            self.last = time.time()
        return "250 OK"


async def _serve(port: int) -> None:
    counter = _Counter()
    loop = asyncio.get_running_loop()
    session = partial(SMTP, counter, hostname="bench.test", loop=loop)
    server = await loop.create_server(session, "127.0.0.1", port)
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(len(counter.seen), counter.last, flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
