"""Tests of a full disk: an accepted comment is kept, and its mail arrives once; a comment that
can't be stored is refused with an error."""

import resource
import sys
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from kombu import Connection
from support import client_of, living, refuses_writes, until

from chaos.disks import limited
from chaos.ledger import comments_of
from demo_app.stack import Stack
from demo_app.stack.client import Client

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit(2)")


def full_disk(stack: Stack, role: str) -> AbstractContextManager[None]:
    """Within the block, let no file of the role's process grow."""
    (pid,) = stack.ready["pids"][role]
    return limited(pid, resource.RLIMIT_FSIZE, 0)


STACK = {"workers": 2}


def _all_have_come(client: Client, stack: Stack) -> None:
    comments = len(comments_of(Path(stack.ready["dir"])))
    client.wait_for_mails(comments)
    client.wait_for(lambda now: now["done"] == now["enqueued"] == comments)
    assert client.mail_stats()["distinct"] == comments


def test_a_comment_that_the_disk_does_not_take_is_refused_and_the_next_one_is_served(
    stack: Stack, client: Client
) -> None:
    folder = Path(stack.ready["dir"])
    client.comment()
    before = len(comments_of(folder))
    with full_disk(stack, "web"):
        for _ in range(3):
            with pytest.raises(httpx.HTTPStatusError, match="503"):
                client.comment()
    assert len(comments_of(folder)) == before
    client.comment()
    _all_have_come(client, stack)


def test_a_full_disk_of_redis_costs_no_comment_and_no_worker(stack: Stack, client: Client) -> None:
    """Comments are accepted, the running job's mail arrives, and no worker exits or looks dead.

    A worker must survive a refused BLPOP, which counts as a write.
    """
    server = client_of(stack.ready["redis"])
    until(lambda: server.hget("server", "since"), what="the first check for dead workers")
    before = stack.ready["pids"]
    names = living(client.wait_for(lambda now: len(living(now)) == 2))
    mails = client.mail_stats()["distinct"]
    client.set_faults({"at": "reply", "do": "wait", "seconds": 3.0, "times": 1})
    client.comment()
    client.wait_for(lambda now: now["running"] == 1)
    with full_disk(stack, "redis"):
        until(lambda: refuses_writes(server), what="Redis refusing to write")
        for _ in range(3):
            client.comment()
        until(lambda: client.mail_stats()["distinct"] > mails, what="the running job's mail")
        until(lambda: not server.keys("worker:*"), what="every lease running out")
        assert client.web.get("/api/jobs/summary").status_code == 503
    _all_have_come(client, stack)
    client.wait_for(lambda now: living(now) == names)
    # other workers may be declared dead, which an earlier test killed
    died = [entry for _, entry in server.xrange("journal") if entry["event"] == "worker_died"]
    assert names.isdisjoint(entry["detail"] for entry in died)
    assert stack.ready["pids"] == before


def test_redis_starts_again_after_a_write_that_failed_behind_a_rewrite_of_its_log(
    stack: Stack, client: Client
) -> None:
    server, folder = client_of(stack.ready["redis"]), Path(stack.ready["dir"])

    def log() -> Path:
        files = folder.glob("redis/appendonlydir/*.incr.aof")
        return max(files, key=lambda file: int(file.name.split(".")[-3]))

    def rests() -> bool:
        return not server.info("persistence")["aof_rewrite_in_progress"]

    def rewritten() -> bool:
        # a worker stores the number of refused writes after the rewrite that they made necessary
        refused = server.info("errorstats")["errorstat_MISCONF"]["count"]
        return server.hget("server", "refused") == f"{refused}" and rests()

    def rewrite() -> bool:
        # Redis refuses a second rewrite if a worker has already started one
        with suppress(redis.ResponseError):
            return bool(server.bgrewriteaof())
        return False

    client.comment()
    until(rewrite, what="a log that a rewrite has opened")
    until(rests, what="the end of the rewrite")
    (pid,) = stack.ready["pids"]["redis"]
    with limited(pid, resource.RLIMIT_FSIZE, log().stat().st_size + 100):
        until(lambda: refuses_writes(server), what="a write that was cut off")
    with full_disk(stack, "redis"):  # or a worker's rewrite would open a file that may grow
        until(lambda: not server.keys("worker:*"), what="every lease running out")
        stack.kill("worker")  # replaced by workers that have not seen the first failed write
        until(lambda: len(stack.ready["pids"]["worker"]) == 2, what="new workers")
    until(rewritten, what="the workers' rewrite")
    stack.kill("redis")
    client.comment()
    _all_have_come(client, stack)


def test_a_log_that_redis_can_not_load_is_set_aside_and_the_outbox_restores_the_jobs() -> None:
    with Stack(workers=1) as stack, Client(stack.ready) as client:
        client.set_faults({"at": "data", "do": "wait", "seconds": 1.0})
        for _ in range(6):
            client.comment()
        client.wait_for(lambda now: now["enqueued"] == 6)
        folder = Path(stack.ready["dir"]) / "redis"
        (log,) = folder.glob("appendonlydir/*.incr.aof")
        with log.open("r+b") as file:  # zeros, as in the gap after a failed write
            file.write(bytes(100))
        stack.kill("redis")
        client.wait_for_mails(6)
        assert [file.name for file in folder.glob("unreadable-*/*.incr.aof")] == [log.name]


def test_a_new_connection_may_read_while_redis_cannot_write(stack: Stack) -> None:
    """A client must be able to reconnect and read while the disk is full.

    Redis then refuses even the PING of a health check.
    """
    server = client_of(stack.ready["redis"])
    url = stack.ready["redis"].replace("redis+socket", "claims+unix")
    with Connection(url, transport_options={"health_check_interval": 0.001}) as connection:
        client: Any = connection.default_channel.client
        with full_disk(stack, "redis"):
            until(lambda: refuses_writes(server), what="Redis refusing to write")
            client.connection_pool.disconnect()
            assert client.get("nothing") is None
        until(lambda: not refuses_writes(server), what="a disk that is well")
