"""Who asks the running stack of a web test."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from demo_app.stack import Stack

PAGE = {"accept": "text/html"}


@pytest.fixture
def holder(stack: Stack) -> Iterator[httpx.Client]:
    """A browser, as it were, whose user holds the token."""
    headers = {"authorization": f"Bearer {stack.ready['token']}", **PAGE}
    with httpx.Client(base_url=stack.ready["web"], headers=headers, timeout=30) as web:
        yield web


@pytest.fixture
def reader(stack: Stack) -> Iterator[httpx.Client]:
    """Somebody without the token."""
    with httpx.Client(base_url=stack.ready["web"], headers=PAGE, timeout=30) as web:
        yield web
