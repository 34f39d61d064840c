"""The mail server is away for long: the first mail that it takes then wakes those that wait."""

from __future__ import annotations

from support import client_of

from demo_app.broker import journal
from demo_app.stack import Stack
from demo_app.stack.client import Client


def test_the_first_mail_wakes_the_others() -> None:
    with Stack(workers=1) as stack, Client(stack.ready) as client:
        stack.kill("smtp", restart=False)
        for _ in range(6):
            client.comment()
        client.wait_for(lambda now: now["retrying"] == 6)
        redis = client_of(stack.ready["redis"])
        assert redis.zcard("waits:demo_app.tasks.notify_author") == 6
        redis.zincrby("retrying", 3600.0, redis.zrange("retrying", -1, -1)[0])  # its longest wait
        stack.start("smtp")
        client.wait_for_mails(6)
        assert "what it needs is there" in {entry.detail for entry in journal.whole(redis)}
