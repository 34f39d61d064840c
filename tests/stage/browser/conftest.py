"""The browser fixtures of `tests/web`, for the tests of the stage."""

from web.browser.conftest import _without_faults, nothing_moves, stack, tab

__all__ = ["_without_faults", "nothing_moves", "stack", "tab"]
