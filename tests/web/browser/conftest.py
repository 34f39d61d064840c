"""Fixtures of the browser tests: tabs that make a test fail if a page has a console
error or sends a request to another host.
"""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import playwright.sync_api as playwright
import pytest
from programs import BROWSER, needs
from support import or_none, until

from demo_app.stack import Stack
from demo_app.stack.client import Client


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    needs(BROWSER)
    options = getattr(request.module, "STACK", {"workers": 2, "controls": True})
    with Stack(**options) as stack:
        yield stack


@pytest.fixture(autouse=True)
def _without_faults(client: Client) -> Iterator[None]:
    """Remove all faults, and wait for the web app, because an earlier test may have killed it."""
    client.set_faults()
    until(lambda: or_none(client.summary), what="the web app")
    yield
    client.set_faults()


@pytest.fixture
def nothing_moves(client: Client) -> None:
    """Wait until the jobs of earlier tests have ended. A mail that a fault delays waits for its
    full time, even after the fault is removed."""
    client.set_faults()
    until(client.at_rest, what="the end of every job")


Open = Callable[..., playwright.Page]


@pytest.fixture
def tab(chromium: playwright.Browser, stack: Stack) -> Iterator[Open]:
    """Return the function `open_`, which opens a path in a new tab.

    The test fails if a tab has a console error or warning, or sends a request to another host.
    With `holder`, the tab has the token's cookie. Console messages that contain `expected` are
    ignored (unless it is "").
    """
    contexts, errors = [], []

    def open_(path: str, *, holder: bool = True, expected: str = "", **options) -> playwright.Page:
        context = chromium.new_context(**{"locale": "en", **options})
        contexts.append(context)
        context.set_default_timeout(60_000)
        if holder:
            ready = stack.ready
            cookie = {"name": "demo_token", "value": ready["token"], "url": ready["web"]}
            context.add_cookies([cookie])
        page = context.new_page()

        def report(message: playwright.ConsoleMessage) -> None:
            if message.type in ("error", "warning") and not (expected and expected in message.text):
                errors.append(f"{path}: {message.text}")

        page.on("console", report)
        page.on("pageerror", lambda error: errors.append(f"{path}: {error}"))
        page.on("request", lambda request: _at_home(request.url, errors))
        page.goto(stack.ready["web"] + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not errors


def _at_home(url: str, errors: list[str]) -> None:
    if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname != "127.0.0.1":
        errors.append(f"request to another host: {url}")
