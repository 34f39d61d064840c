"""Several queues, priorities, and what waits in them, as Celery's manual has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery_suite.outside import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop on claims, whose workers take one job at a time."""
    shop = Shop(tmp_path / "shop", "claims", worker_prefetch_multiplier=1)
    yield shop
    shop.close()


def test_an_urgent_job_of_one_queue_goes_before_the_others_of_every_queue(shop: Shop) -> None:
    shop.order("later", "last", sending={"queue": "a", "priority": 9})
    shop.order("usual", sending={"queue": "a", "priority": 3})
    shop.order("first", sending={"queue": "b", "priority": 0})
    shop.start_worker("--queues", "a,b", "--concurrency", "1")
    assert not shop.lost(["later", "last", "usual", "first"], 30)
    assert list(shop.times("started")) == ["first", "usual", "later", "last"]
