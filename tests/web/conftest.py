"""A running stack for each module of web tests, and who asks it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from demo_app.stack import Stack
from demo_app.stack.client import Client

PAGE = {"accept": "text/html"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One worker, no restart, so that a test may kill it."""
    with Stack(workers=1, controls=True) as stack:
        yield stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Client]:
    """A program that holds the token."""
    with Client(stack.ready) as client:
        yield client


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
