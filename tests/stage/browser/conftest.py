"""The fixtures of the web tests in a browser."""

from web.browser.conftest import _well, at_rest, chromium, stack, tab

__all__ = ["_well", "at_rest", "chromium", "stack", "tab"]
