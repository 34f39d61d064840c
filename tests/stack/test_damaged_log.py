"""A log that Redis can't read to its end: it starts with the rest, and says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import most_thorough, until

from demo_app.stack import Stack
from demo_app.stack.client import Client

#: What a server leaves at the end of its log when it is killed in the middle of a write.
TORN = {
    "a command": b"*3\r\n$5\r\nRPUSH\r\n$8\r\nhal",
    "a transaction": b"*1\r\n$5\r\nMULTI\r\n*3\r\n$4\r\nSADD\r\n$4\r\nhalf\r\n$1\r\nx\r\n",
}
Running = tuple[Stack, Client, list[dict[str, Any]]]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A stack without workers that has ten jobs in its queue, and the events that it reported."""
    events: list[dict[str, Any]] = []
    stack = Stack(dir=tmp_path, workers=0, on_event=events.append)
    with stack, Client(stack.ready) as client:
        for _ in range(10):
            client.comment()
        client.wait_for(lambda now: now["queued"] == 10)
        yield stack, client, events


def _news_and_all_ten_after_a_start(running: Running, told: str) -> str:
    """What is reported with these words; waits until the queue has all jobs."""
    stack, client, events = running
    stack.start("redis")
    trouble, *_ = until(
        lambda: [event for event in events if told in str(event.get("what"))], what="the news"
    )
    until(lambda: client.summary()["queued"] == 10, what="all ten, handed over again")
    return str(trouble["what"])


@pytest.mark.parametrize("half", most_thorough(TORN, "a transaction"))
def test_a_log_that_ends_in_half_a_record_is_cut_off_and_said_so(
    running: Running, half: str
) -> None:
    """As when Redis is killed in the middle of a rescue: all of the script is kept, or nothing."""
    stack, client, _ = running
    stack.kill("redis", restart=False)
    (log,) = (stack.plan.folder.redis / "appendonlydir").glob("*.incr.aof")
    whole = log.stat().st_size
    with log.open("ab") as file:
        file.write(TORN[half])
    _news_and_all_ten_after_a_start(running, f"cut off at byte {whole}")
    assert not client.redis().exists("half")


def _spoil(file: Path, at: int) -> None:
    with file.open("r+b") as log:
        log.seek(at)
        log.write(b"\0" * 512)  # a sector of the disk


@pytest.mark.parametrize("part", ["in the middle of the log", "in the snapshot before it"])
def test_a_bad_sector_costs_no_comment_its_mail(running: Running, part: str) -> None:
    stack, client, _ = running
    folder = stack.plan.folder.redis / "appendonlydir"
    if "snapshot" in part:
        redis = client.redis()
        redis.bgrewriteaof()
        until(
            lambda: (
                not redis.info("persistence")["aof_rewrite_in_progress"]
                and not redis.info("persistence")["aof_rewrite_scheduled"]
            ),
            what="the snapshot",
        )
    stack.kill("redis", restart=False)
    (file,) = folder.glob("*.base.*" if "snapshot" in part else "*.incr.aof")
    _spoil(file, file.stat().st_size // 2)

    told = "starts with nothing" if "snapshot" in part else "was cut off there"
    named = re.search(r"damaged-[\d-]+", _news_and_all_ten_after_a_start(running, told))
    assert named is not None
    kept = stack.plan.folder.redis / named[0]
    assert any(b"\0" * 512 in one.read_bytes() for one in kept.iterdir())
