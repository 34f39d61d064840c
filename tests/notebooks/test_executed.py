"""Tests that the page with the executed lesson has the lesson's current text and code."""

from __future__ import annotations

from notebooks.executed import PAGE, code, parts, prose


def test_the_executed_lesson_has_the_cells_of_the_lesson_in_their_order() -> None:
    stored = PAGE.read_text("utf-8")
    at = 0
    for is_code, text in parts():
        cell = code(text) if is_code else prose(text).strip()
        at = stored.find(cell, at)
        assert at >= 0, f"write it anew, in tests: python -m notebooks.executed\n{cell}"
