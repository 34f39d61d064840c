"""A real Chromium, and a page that must stay silent and at home."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import playwright.sync_api as playwright
import pytest
from programs import BROWSER, needs
from support import browser_running, or_none, until

from demo_app.stack import Stack
from demo_app.stack.client import Client


@pytest.fixture(scope="module")
def chromium() -> Iterator[playwright.Browser]:
    with browser_running() as browser:
        yield browser


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """By default two workers; what is killed is started again."""
    needs(BROWSER)
    options = getattr(request.module, "STACK", {"workers": 2, "controls": True})
    with Stack(**options) as stack:
        yield stack


@pytest.fixture(autouse=True)
def _well(client: Client) -> Iterator[None]:
    """No faults, and a web app that answers: a test before may have killed it."""
    client.set_faults()
    until(lambda: or_none(client.summary), what="the web app")
    yield
    client.set_faults()


@pytest.fixture
def nothing_moves(client: Client) -> None:
    """No job of a test before is left to do: the end of a fault hurries no mail that waits."""
    client.set_faults()
    until(client.at_rest, what="the end of every job")


Open = Callable[..., playwright.Page]


@pytest.fixture
def tab(chromium: playwright.Browser, stack: Stack) -> Iterator[Open]:
    """Opens a path in a new tab. In the end: no error in any console, no request off the machine.

    holder: with the token's cookie. expected: console errors that the test itself provokes.
    """
    contexts, wrong = [], []

    def open_(path: str, *, holder: bool = True, expected: str = "", **options) -> playwright.Page:
        context = chromium.new_context(**{"locale": "en", **options})
        contexts.append(context)
        context.set_default_timeout(60_000)
        if holder:
            cookie = {
                "name": "demo_token",
                "value": stack.ready["token"],
                "url": stack.ready["web"],
            }
            context.add_cookies([cookie])
        page = context.new_page()

        def heard(message: playwright.ConsoleMessage) -> None:
            if message.type in ("error", "warning") and not (expected and expected in message.text):
                wrong.append(f"{path}: {message.text}")

        page.on("console", heard)
        page.on("pageerror", lambda error: wrong.append(f"{path}: {error}"))
        page.on("request", lambda request: _at_home(request.url, wrong))
        page.goto(stack.ready["web"] + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


def _at_home(url: str, wrong: list[str]) -> None:
    if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname != "127.0.0.1":
        wrong.append(f"asked elsewhere: {url}")
