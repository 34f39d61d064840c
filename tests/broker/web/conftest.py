"""Fixtures with an outside Celery app and its dashboard, served by ``demo_app.broker web``."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from celery_suite.outside import Shop, signal_group
from support import browsing

#: A schedule for beat. It is appended to the shop's module.
SCHEDULE = """
from celery.schedules import crontab

app.conf.beat_schedule = {
    "nightly": {"task": "shop.pack", "schedule": crontab(hour=3, minute=0), "args": ("jug",)},
    "often": {"task": "shop.nothing", "schedule": 30.0},
}
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    options = {"global_keyprefix": "shop:"}
    shop = Shop(
        tmp_path_factory.mktemp("shop"), "claims", "prefork", broker_transport_options=options
    )
    shop.add(SCHEDULE)
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def address(opened: Shop) -> str:
    serving = opened.group.start(
        [sys.executable, "-m", "demo_app.broker", "web", "-A", "shop"],
        opened.environment, cwd=opened.folder, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with serving.stdout:
        return str(serving.stdout.readline().strip())


@pytest.fixture
def shop(opened: Shop) -> Iterator[Shop]:
    yield opened
    for worker in opened.workers:
        signal_group(worker, signal.SIGKILL)
        worker.wait()
    opened.redis.flushall()
    opened.notes.write_text("")
    (opened.folder / "open").unlink(missing_ok=True)


@pytest.fixture
def reader(address: str) -> Iterator[httpx.Client]:
    with browsing(f"http://{urlsplit(address).netloc}") as reader:
        yield reader


@pytest.fixture
def holder(address: str, reader: httpx.Client) -> httpx.Client:
    assert reader.get(address, follow_redirects=True).status_code == 200
    return reader
