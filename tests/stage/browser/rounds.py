"""A new round on the stage, as a person begins it."""

from __future__ import annotations

from playwright.sync_api import Page


def new_round(page: Page) -> None:
    """Press its key, and wait until it has begun: what was posted just before is not in it."""
    with page.expect_response("**/stage/do/new-round"):
        page.keyboard.press("n")
