"""A shop that is somebody else's Celery app, and its dashboard as the command serves it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from broker.conftest import OpenShop
from celery_suite.outside import Shop

#: At the end of the shop's module: what beat would enqueue.
SCHEDULE = """
from celery.schedules import crontab

app.conf.beat_schedule = {
    "nightly": {"task": "shop.pack", "schedule": crontab(hour=3, minute=0), "args": ("jug",)},
    "often": {"task": "shop.nothing", "schedule": 30.0},
}
"""


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """An app on claims, without a worker, whose keys have a prefix."""
    shop = open_shop(broker_transport_options={"global_keyprefix": "shop:"})
    shop.add(SCHEDULE)
    return shop


@pytest.fixture
def address(shop: Shop) -> str:
    """The address that the command has printed, with the token."""
    serving = shop.group.start(
        [sys.executable, "-m", "demo_app.broker", "web", "-A", "shop"],
        shop.environment, cwd=shop.folder, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with serving.stdout:
        return str(serving.stdout.readline().strip())


@pytest.fixture
def reader(address: str) -> Iterator[httpx.Client]:
    """Somebody without the token."""
    base = f"http://{urlsplit(address).netloc}"
    with httpx.Client(base_url=base, headers={"accept": "text/html"}, timeout=30) as reader:
        yield reader


@pytest.fixture
def holder(address: str, reader: httpx.Client) -> httpx.Client:
    """A browser, as it were, that has opened the address."""
    assert reader.get(address, follow_redirects=True).status_code == 200
    return reader
