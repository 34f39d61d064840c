"""Shares the browser fixtures of the web tests."""

from web.browser.conftest import _well, chromium, nothing_moves, stack, tab

__all__ = ["_well", "chromium", "nothing_moves", "stack", "tab"]
