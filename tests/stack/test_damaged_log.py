"""A log that Redis can't read to its end: it starts with the rest, and says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support import until

from demo_app.stack import Stack
from demo_app.stack.client import Client


def _spoil(file: Path, at: int) -> None:
    with file.open("r+b") as log:
        log.seek(at)
        log.write(b"\0" * 512)  # a sector of the disk


@pytest.mark.parametrize("part", ["in the middle of the log", "in the snapshot before it"])
def test_a_bad_sector_costs_no_comment_its_mail(tmp_path: Path, part: str) -> None:
    events: list[dict[str, Any]] = []
    stack = Stack(dir=tmp_path, workers=0, on_event=events.append)
    with stack, Client(stack.ready) as client:
        for _ in range(10):
            client.comment()
        client.wait_for(lambda now: now["queued"] == 10)
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

        stack.start("redis")

        told = "starts with nothing" if "snapshot" in part else "was cut off there"
        trouble, *_ = until(
            lambda: [event for event in events if told in str(event.get("what"))], what="the news"
        )
        named = re.search(r"damaged-[\d-]+", trouble["what"])
        assert named is not None
        kept = stack.plan.folder.redis / named[0]
        assert any(b"\0" * 512 in one.read_bytes() for one in kept.iterdir())
        until(lambda: client.summary()["queued"] == 10, what="all ten, handed over again")
