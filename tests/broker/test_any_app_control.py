"""Tests of remote control for any Celery app: inspect, control, revoke, purge."""

from datetime import UTC, datetime
from typing import Any

import pytest
from broker.conftest import OpenShop
from support import until

NAMES = [f"p{number}" for number in range(20)]
#: A new worker receives no commands at first, so tests repeat a command until it has a reply.
REPLY: dict[str, Any] = {"reply": True, "timeout": 10, "limit": 1}


def test_inspect_claims_nothing_and_revoked_jobs_are_discarded(open_shop: OpenShop) -> None:
    shop = open_shop("threads")
    shop.order("old", sending={"expires": -1})
    shop.start_worker("--concurrency", "1")
    # the worker holds four jobs; the end of one of them brings the last
    *_, last = shop.order(*NAMES[:5], gate="open")
    shop.until_started("p0")
    with shop.app() as app:
        inspect = app.control.inspect(timeout=10, limit=1)
        assert until(inspect.ping) == {"w1@here": {"ok": "pong"}}
        [active] = until(inspect.active)["w1@here"]
        assert active["name"] == "shop.pack"
        assert len(shop.queue.snapshot().workers) == 1, "`inspect` is not a worker"
        [later] = shop.order("later", sending={"countdown": 1})
        until(lambda: app.control.revoke([later, last], **REPLY), what="the worker's reply")
    shop.open_gate()
    until(lambda: shop.count("discarded") == 3, what="the discards")
    shop.until_done(4)
    assert shop.times("started") == dict.fromkeys(NAMES[:4], 1)
    assert shop.count("enqueued") == 7, "commands and replies are not jobs"


@pytest.mark.thorough
def test_inspect_scheduled_lists_jobs_in_redis(open_shop: OpenShop) -> None:
    shop = open_shop("threads", accept_content=["json", "pickle"])
    shop.add(
        "@app.task(bind=True, name='shop.again')\n"
        "def again(self, parcel):\n    raise self.retry(countdown=150)\n"
    )
    shop.start_worker()
    shop.order("late", sending={"countdown": 200})
    shop.order("soon", sending={"countdown": 100, "serializer": "pickle"})
    shop.order("elsewhere", sending={"countdown": 300, "queue": "other"})
    shop.order("again", task="shop.again")
    until(lambda: shop.count("retrying") == 1, what="the retry")
    with shop.app() as app:
        (jobs,) = until(app.control.inspect(timeout=10, limit=1).scheduled).values()
    listed = [(one["request"]["name"], str(one["request"]["kwargs"])) for one in jobs]
    assert [name for name, _ in listed] == ["shop.pack", "shop.again", "shop.pack"]
    for name, (_, arguments) in zip(("soon", "again", "late"), listed, strict=True):
        assert name in arguments
    assert all(datetime.fromisoformat(one["eta"]) > datetime.now(UTC) for one in jobs)


def test_a_worker_obeys_rate_limit_terminate_and_cancel_consumer(open_shop: OpenShop) -> None:
    shop = open_shop("prefork")
    shop.start_worker("--concurrency", "1")
    with shop.app() as app:
        until(lambda: app.control.rate_limit("shop.pack", "4/s", **REPLY))
        shop.order(*(f"limited-{number}" for number in range(9)))
        shop.until_done(9)
        ended = [float(at) for _, at in shop.redis.zrange("done", 0, -1, withscores=True)]
        assert max(ended) - min(ended) > 1.0
        [job] = shop.order("x", gate="open")
        shop.until_started("x")
        kill: dict[str, Any] = {"terminate": True, "signal": "SIGKILL"}
        until(lambda: app.control.revoke(job, **kill, **REPLY), what="the worker's reply")
        until(lambda: shop.count("discarded") == 1, what="the discard")
        assert shop.count("running") == 0
        assert shop.times("started")["x"] == 1
        shop.order(*NAMES, gate="open")
        shop.until_started("p0")
        (replies,) = until(lambda: app.control.cancel_consumer("celery", **REPLY))
    assert "no longer consuming" in replies["w1@here"]["ok"]
    shop.open_gate()
    until(lambda: shop.in_hand() == 0, what="the end of its claims")
    assert shop.queued() >= 12


def test_purge_discards_and_counts_waiting_jobs(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.order(*NAMES[:7])
    shop.order("later", sending={"countdown": 600})
    with shop.app() as app:
        assert app.control.purge() == 8
    now = shop.queue.snapshot().count
    assert (now["queued"], now["scheduled"], now["discarded"]) == (0, 0, 8)
