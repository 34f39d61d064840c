"""Tests of the blog on two hosts with one PostgreSQL and one Redis with Sentinel."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from postgres_server import PostgresServer
from servers import SILENT_MS, Server, leads_to, sentinel, server, wait_until_watched
from support import or_none, until

from demo_app.blog.opening import open_database
from demo_app.failpoints import Step, enable
from demo_app.settings import Settings
from demo_app.stack import Stack
from demo_app.stack.client import Client

pytestmark = pytest.mark.thorough

#: A rule that delays each mail, so that workers hold jobs when a fault happens.
SLOW = {"at": "data", "do": "wait", "seconds": 2}
COMMENTS = 8
#: Time without a reply after which Sentinel considers a primary dead (milliseconds): longer than
#: the test, so that no fail-over happens until the test reduces it.
NEVER_MS = 3_600_000


@contextmanager
def _host(database_url: str, watching: Server, other: Stack | None = None) -> Iterator[Stack]:
    environment = {"DEMO_DATABASE_URL": database_url, "DEMO_DIE_AT": "armed"}
    if other is not None:
        environment["DEMO_SMTP_URL"] = f"smtp://{other.ready['smtp']}"
        environment["DEMO_INBOX_URL"] = other.ready["inbox"]
    url = f"sentinel://127.0.0.1:{watching.port}/books"
    token = other.ready["token"] if other is not None else ""
    with Stack(redis_url=url, token=token, environment=environment, autostart=False) as stack:
        for role in ("smtp", "web", "worker")[other is not None :]:
            stack.start(role)
        yield stack


def _comments(*clients: Client) -> set[str]:
    return {client.comment()["job_id"] for _ in range(COMMENTS) for client in clients}


def _comments_until_both_work(*clients: Client) -> set[str]:
    accepted: set[str] = set()

    def both_work() -> bool:
        now = clients[0].summary()
        if now["queued"] < COMMENTS:
            accepted.update(_comments(*clients))
        return sum(bool(worker["alive"] and worker["running"]) for worker in now["workers"]) == 2

    until(both_work, what="a job at each worker")
    return accepted


def _written(url: str, accepted: set[str]) -> set[str]:
    with closing(open_database(Settings(database_url=url), create=False)) as database:
        written = {job_id for (job_id,) in database.read("SELECT job_id FROM comments")}
    assert accepted < written
    assert len(written) == len(accepted) + 1
    return written


def _shown(client: Client) -> list[str]:
    return sorted(mail["job_id"] for mail in client.all_mails())


def test_every_accepted_comment_is_mailed_and_seen_once_whatever_fails(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    with (
        server() as primary,
        server(primary.port) as replica,
        sentinel(primary.port, NEVER_MS) as watching,
        _host(postgres_url, watching) as one,
        _host(postgres_url, watching, one) as two,
        Client(one.ready) as first,
        Client({**two.ready, "inbox": one.ready["inbox"]}) as second,
        Client(two.ready, patience=5.0) as impatient,
    ):
        wait_until_watched(replica, watching)

        # the second host freezes: its connections stay open, but return nothing
        first.set_faults(SLOW)
        accepted = _comments_until_both_work(first, second)
        two.kill("worker", signal.SIGSTOP)
        armed = enable(Path(two.ready["dir"]), Step.COMMENT_COMMITTED, signal.SIGSTOP)
        with pytest.raises(httpx.TimeoutException):
            impatient.comment(key="asked again")
        until(lambda: not armed.exists(), what="the commit")
        first.set_faults()
        written = _written(postgres_url, accepted)
        first.wait_for_mails(len(written))

        # the second host continues
        for role in ("web", "worker"):
            two.kill(role, signal.SIGCONT)
        assert second.comment(key="asked again")["job_id"] in written - accepted

        # a worker and the database die. After their restart a web app dies right after a commit,
        # and then the database and a worker die again
        first.set_faults(SLOW)
        written |= _comments_until_both_work(first, second)
        two.kill("worker")
        postgres.kill()
        for client in (first, second):
            with pytest.raises(httpx.HTTPStatusError, match=r"503 .*\(no connection to the data"):
                client.comment()
        postgres.start()
        written |= _comments(first, second)  # this works only after the web apps have reconnected
        enable(Path(one.ready["dir"]), Step.COMMENT_COMMITTED)
        with pytest.raises(httpx.TransportError):
            first.comment()  # the web app dies right after the commit
        postgres.kill()
        one.kill("worker")
        postgres.start()
        until(lambda: or_none(first.summary), 60.0, "the web app")
        written = _written(postgres_url, written | _comments(first, second))
        first.set_faults()
        first.wait_for_mails(len(written))
        first.wait_for(lambda now: now["done"] == now["enqueued"] == len(written))
        assert _shown(first) == sorted(written)

        # Redis dies, and the replica that takes over lacks the newest jobs
        first.set_faults(SLOW)
        replica.process.send_signal(signal.SIGSTOP)
        primary.client.client_kill_filter(_type="replica")
        written |= _comments(first, second)
        first.wait_for(lambda now: now["enqueued"] == len(written))
        primary.process.kill()
        replica.process.send_signal(signal.SIGCONT)
        written |= _comments(first, second)  # accepted while no Redis runs
        watching.client.sentinel_set("books", "down-after-milliseconds", SILENT_MS)
        until(lambda: leads_to(watching, replica.port), 60.0, "the fail-over")
        first.set_faults()
        first.wait_for_mails(len(written))
        until(lambda: (now := or_none(first.summary)) and now["done"] == now["enqueued"])
        assert _shown(first) == sorted(written)
