"""Fail-overs to a replica that lags: ``python -m stack.failover [ROUNDS]``, in ``tests``.

In each round comments are posted that the replica never hears of. Then the primary is killed, and
Sentinel promotes that replica. The outbox has what it lacks: no mail may be missing. With
DEMO_DATABASE_URL the outbox is in PostgreSQL.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from servers import Server, leads_to, sentinel, server, wait_until_watched
from support import until

from demo_app.stack import Stack
from demo_app.stack.client import Client

#: Comments of which the replica hears nothing, and comments while there is no primary.
UNHEARD, MEANWHILE = 12, 3
#: A port at which no server answers.
NOBODY = 1


@dataclass(frozen=True)
class Failover:
    """One round. seconds: from the kill until every mail was there."""

    comments: int
    missing: int
    forgotten: int
    seconds: float


def probe(rounds: int, told: Callable[[Failover], None] = lambda _: None) -> list[Failover]:
    """So many fail-overs of one running system, one after the other."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="failover-")))
        primary = running.enter_context(server(folder))
        watching = running.enter_context(sentinel(folder, primary.port))
        url = f"sentinel://127.0.0.1:{NOBODY};127.0.0.1:{watching.port}/books"
        named = {name: os.environ[name] for name in ("DEMO_DATABASE_URL",) if name in os.environ}
        stack = running.enter_context(Stack(workers=2, redis_url=url, environment=named))
        client = running.enter_context(Client(stack.ready))
        client.set_faults({"at": "data", "do": "wait", "seconds": 0.2})
        found: list[Failover] = []
        for _ in range(rounds):
            copy = running.enter_context(server(folder, primary.port))
            wait_until_watched(copy, watching)
            found.append(_round(stack, client, watching, primary, copy))
            told(found[-1])
            primary = copy
        return found


def _round(
    stack: Stack, client: Client, watching: Server, primary: Server, copy: Server
) -> Failover:
    before = client.mail_stats()["distinct"]
    copy.client.replicaof("127.0.0.1", str(NOBODY))
    heard = int(copy.client.hget("counters", "enqueued") or 0)
    for _ in range(UNHEARD):
        client.comment()
    until(lambda: _outbox(stack) == 0, what="every job in Redis")
    forgotten = int(primary.client.hget("counters", "enqueued") or 0) - heard
    primary.process.kill()
    began = time.monotonic()
    for _ in range(MEANWHILE):
        client.comment()
    until(lambda: leads_to(watching, copy.port), 60.0, "the fail-over")
    wanted = before + UNHEARD + MEANWHILE
    with suppress(TimeoutError):  # what is missing then is counted
        client.wait_for_mails(wanted, seconds=60.0)
    missing = wanted - client.mail_stats()["distinct"]
    return Failover(UNHEARD + MEANWHILE, missing, forgotten, time.monotonic() - began)


def _outbox(stack: Stack) -> int:
    return int(httpx.get(f"{stack.ready['web']}/healthz").json()["outbox"])


def _print(one: Failover) -> None:
    print(
        f"{one.comments} comments, the new primary knew nothing of {one.forgotten}: "
        f"{one.missing} missing, all there after {one.seconds:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    lost = sum(one.missing for one in probe(rounds, _print))
    print(f"{rounds} fail-overs: {lost} mails missing")
    sys.exit(int(lost > 0))
