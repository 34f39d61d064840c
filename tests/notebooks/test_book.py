"""The book opens offline, and every page of it shows its figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from notebooks.colours import contrast
from support import needs

from demo_app.verification.demo.colours import EDGE, GOOD, INK, RUNNING
from lab import book, book_page


@pytest.mark.timeout(240)
def test_a_page_needs_nothing_from_anywhere(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = needs("chromium")
    index, lesson = book.write(tmp_path, ["00"])
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic",
                  "--disable-background-networking", "--disable-component-update"],
        )  # fmt: skip
        tab = browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(index.as_uri())
        assert tab.locator("#words ~ table tr").count() > 40, "the glossary is there"
        tab.click("text=Start here")
        assert tab.url == lesson.as_uri()
        figures = tab.locator("figure svg[role=img]")
        assert figures.count() >= 3
        for n in range(figures.count()):
            assert len(figures.nth(n).get_attribute("aria-label") or "") > 20
            size = figures.nth(n).bounding_box()
            assert size is not None
            assert size["width"] > 300
        for width in (390, 1920):  # a phone, a projector
            tab.set_viewport_size({"width": width, "height": 1080})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        tab.click("nav >> text=Words")
        assert tab.url == f"{index.as_uri()}#words"
        browser.close()
    assert [url for url in asked if not url.startswith("file:")] == []


def test_a_page_leads_to_the_ones_beside_it_and_to_those_that_it_names() -> None:
    from nbformat.v4 import new_markdown_cell, new_notebook

    titles = {"03_one": "03 · One", "04_two": "04 · Two", "05_three": "05 · Three"}
    notebook = new_notebook(cells=[new_markdown_cell("# 04 · Two\n\nLessons 03 and 09, and 05.")])
    html = book.page(notebook, "04_two", titles)
    assert html.count('href="03_one.html"') == 3, "above, below, and where it is named"
    assert html.count('href="05_three.html"') == 2, "a number by itself is no lesson"
    assert "09_" not in html, "what is not in the book is no link"


@pytest.mark.parametrize("ink", [INK, EDGE, RUNNING, GOOD])
def test_code_can_be_read_on_its_shade(ink: str) -> None:
    assert contrast(ink, book_page.SHADE) >= 4.5


def test_a_page_holds_no_script() -> None:
    from nbformat.v4 import new_markdown_cell, new_notebook

    html = book.page(new_notebook(cells=[new_markdown_cell("# A lesson")]), "a lesson")
    assert "<script" not in html
    assert not re.search(r'(?:src|href)="https?:', html)
