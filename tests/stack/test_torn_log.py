"""Tests that Redis starts after a log that ends in half a record."""

from pathlib import Path

import pytest
from support import most_thorough, until

from demo_app.stack import Stack
from demo_app.stack.client import Client

#: Incomplete ends of a log, as a killed Redis leaves them.
TORN = {
    "a command": b"*3\r\n$5\r\nRPUSH\r\n$8\r\nhal",
    "a transaction": b"*1\r\n$5\r\nMULTI\r\n*3\r\n$4\r\nSADD\r\n$4\r\nhalf\r\n$1\r\nx\r\n",
}


@pytest.mark.parametrize("half", most_thorough(TORN, "a transaction"))
def test_a_log_that_ends_in_half_a_record_is_cut_off(tmp_path: Path, half: str) -> None:
    """After its restart, Redis must have all writes of an interrupted script, or none."""
    with Stack(dir=tmp_path, workers=0) as stack, Client(stack.ready) as client:
        for _ in range(10):
            client.comment()
        client.wait_for(lambda now: now["queued"] == 10)
        stack.kill("redis", restart=False)
        (log,) = (stack.plan.folder.redis / "appendonlydir").glob("*.incr.aof")
        with log.open("ab") as file:
            file.write(TORN[half])
        stack.start("redis")
        until(lambda: client.summary()["queued"] == 10, what="all ten")
        assert not client.redis().exists("half")
