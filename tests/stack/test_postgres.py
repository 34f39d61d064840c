"""A stack whose blog is on PostgreSQL: the workers, the web app and the database die."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from postgres_server import PostgresServer
from support import or_none, until

from demo_app.blog.opening import open_database
from demo_app.failpoints import Step, enable
from demo_app.settings import Settings
from demo_app.stack import Stack
from demo_app.stack.client import Client

#: Seconds that a mail takes while something goes wrong.
SLOW = {"at": "data", "do": "wait", "seconds": 1}
COMMENTS = 8


def _some(client: Client) -> set[str]:
    return {client.comment()["job_id"] for _ in range(COMMENTS)}


def _written(url: str) -> set[str]:
    database = open_database(Settings(database_url=url), create=False)
    rows = database.connection().execute("SELECT job_id FROM comments").fetchall()
    database.close()
    return {job_id for (job_id,) in rows}


def test_every_accepted_comment_is_mailed_and_seen_once_whatever_dies(
    postgres: PostgresServer, postgres_url: str
) -> None:
    environment = {
        "DEMO_DATABASE_URL": postgres_url,
        "DEMO_DIE_AT": "armed",
        "DEMO_LEASE_SECONDS": "1.5",
    }
    with Stack(workers=2, environment=environment) as stack, Client(stack.ready) as client:
        client.set_faults(SLOW)
        accepted = _some(client)
        client.wait_for(lambda now: now["running"] > 0)

        stack.kill("worker")
        postgres.kill()
        with pytest.raises(httpx.HTTPStatusError, match=r"503 .*\(no connection to the database\)"):
            client.comment()
        postgres.start()
        accepted |= _some(client)  # the web app finds it by itself

        enable(Path(stack.ready["dir"]), Step.COMMENT_COMMITTED)
        with pytest.raises(httpx.TransportError):
            client.comment()  # written, and the web app dies
        postgres.kill()
        stack.kill("worker")
        postgres.start()
        until(lambda: or_none(client.summary), 60.0, "the web app")
        accepted |= _some(client)

        client.set_faults()
        written = _written(postgres_url)
        assert accepted < written
        assert len(written) == len(accepted) + 1
        client.wait_for_mails(len(written))
        client.wait_for(lambda now: now["done"] == now["enqueued"] == len(written))
        seen = [mail["job_id"] for mail in client.all_mails()]
    assert sorted(seen) == sorted(written)
