"""Fixtures: a scene (a queue without Celery), and shops (outside Celery apps with workers)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from broker.scene import Scene
from celery_suite.outside import Shop

from demo_app.broker.options import Options
from demo_app.broker.queue import Queue

OpenShop = Callable[..., Shop]


@pytest.fixture
def scene(store: Queue) -> Scene:
    """Return an empty queue. A suspected poison job waits 300 s before its last try."""
    return Scene(Queue(store.client, Options(poison_pause=300.0)))


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[OpenShop]:
    """Yield a function that opens a shop in a separate folder, and close the shops after the test.

    The function's arguments are the pool, the transport, and any settings of Celery.
    """
    numbers = count()
    with ExitStack() as opened:

        def open_one(pool: str = "prefork", transport: str = "claims", **settings: Any) -> Shop:
            shop = Shop(tmp_path / f"shop{next(numbers)}", transport, pool, **settings)
            opened.callback(shop.close)
            return shop

        yield open_one
