"""Shops for the tests of the broker: apps that are somebody else's, with their workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from celery_suite.outside import Shop

OpenShop = Callable[..., Shop]


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[OpenShop]:
    """Opens a shop of some pool, on claims, each in a folder of its own; all close after the test.

    kind: the class of the shop. The rest are Celery's settings.
    """
    numbers = count()
    with ExitStack() as opened:

        def open_one(
            pool: str = "prefork",
            *,
            transport: str = "claims",
            kind: type[Shop] = Shop,
            **settings: Any,
        ) -> Shop:
            shop = kind(tmp_path / f"shop{next(numbers)}", transport, pool, **settings)
            opened.callback(shop.close)
            return shop

        yield open_one
