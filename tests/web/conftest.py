"""Who asks the running stack of a web test."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from demo_app.stack import Stack

PAGE = {"accept": "text/html"}
#: The server closes an idle connection after five seconds, perhaps while a request is on its way.
ONCE = httpx.Limits(max_keepalive_connections=0)


@pytest.fixture
def holder(stack: Stack) -> Iterator[httpx.Client]:
    """A browser, as it were, whose user holds the token."""
    headers = {"authorization": f"Bearer {stack.ready['token']}", **PAGE}
    with httpx.Client(base_url=stack.ready["web"], headers=headers, timeout=30, limits=ONCE) as web:
        yield web


@pytest.fixture
def reader(stack: Stack) -> Iterator[httpx.Client]:
    """Somebody without the token."""
    with httpx.Client(base_url=stack.ready["web"], headers=PAGE, timeout=30, limits=ONCE) as web:
        yield web
