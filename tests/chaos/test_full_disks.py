"""The disk is full: a reader is told so and nothing is accepted, or what is accepted is kept."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support import client_of, refuses_writes, until

from chaos.ledger import comments_of
from demo_app.stack import Stack
from demo_app.stack.client import Client

_QUOTAS = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="this system sets no quota for another process"
)


@contextmanager
def _quota(pid: int) -> Iterator[None]:
    """No file of the process may grow beyond a page."""
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, most))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


@_QUOTAS
def test_comments_are_taken_while_redis_cannot_write_and_no_worker_looks_dead() -> None:
    environment = {"DEMO_LEASE_SECONDS": "1", "DEMO_BEAT_SECONDS": "0.2"}
    with Stack(workers=2, environment=environment) as stack, Client(stack.ready) as client:
        redis = client_of(stack.ready["redis"])
        until(lambda: redis.hget("server", "since"), what="the first look at the others")
        before = stack.ready["pids"]
        names = {worker["id"] for worker in client.summary()["workers"]}
        with _quota(before["redis"][0]):
            until(lambda: refuses_writes(redis), what="Redis refusing to write")
            for _ in range(5):
                client.comment()
            until(lambda: not redis.keys("worker:*"), what="every lease running out")
        client.wait_for_mails(5)
        now = client.wait_for(
            lambda now: now["done"] == 5 and {worker["id"] for worker in now["workers"]} == names
        )
        assert now["conserved"]
        deaths = [entry for entry in redis.xrange("journal") if entry[1]["event"] == "worker_died"]
        assert not deaths
        assert stack.ready["pids"] == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.name != "posix" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here; the quotas above take its place")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_on_a_disk_that_is_really_full_nothing_is_accepted_and_nothing_lost(
    small_disk: Path,
) -> None:
    with Stack(dir=small_disk / "d", workers=1) as stack, Client(stack.ready) as client:
        client.comment()
        client.wait_for_mails(1)
        _fill(small_disk / "filler")
        accepted = _comments_until(client, lambda answer: answer == 503)
        (small_disk / "filler").unlink()
        until(lambda: _comments_until(client, lambda answer: True), what="a comment being taken")
        total = 1 + accepted + 1
        client.wait_for_mails(total)
        assert client.wait_for(lambda now: now["done"] >= total)["conserved"]
        stored = len(comments_of(Path(stack.ready["dir"])))
        assert client.mail_stats()["distinct"] == stored == total


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def _comments_until(client: Client, enough: Callable[[int], bool]) -> int:
    """Post until an answer is enough; returns how many comments were accepted."""
    accepted = 0
    for _ in range(2000):
        try:
            client.comment(body="x" * 5000)
            accepted += 1
            answer = 201
        except httpx.HTTPStatusError as error:
            answer = error.response.status_code
            if answer != 503:
                raise
        if enough(answer):
            return accepted
    raise AssertionError("the disk never filled up")
