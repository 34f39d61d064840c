"""The book opens offline, and every page of it shows its figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook
from notebooks.colours import contrast
from notebooks.kernels import NOTEBOOKS
from support import needs

from demo_app.verification.demo import colours
from lab import book
from lab.book import Page

STYLE = (NOTEBOOKS / "book" / "style.css").read_text("utf-8")


@pytest.mark.timeout(240)
def test_a_page_needs_nothing_from_anywhere(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = needs("chromium")
    index, lesson, *_ = book.write(tmp_path, ["00"])
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
        tab.click("text=Start here")
        assert tab.url == lesson.as_uri()
        figures = tab.locator("figure [role=img]")
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
        assert tab.locator("table tr").count() > 40, "the glossary is there"
        browser.close()
    assert [url for url in asked if not url.startswith("file:")] == []


def a_lesson(name: str, text: str) -> Page:
    """A lesson of a single cell."""
    return Page(name, new_notebook(cells=[new_markdown_cell(text)]), runs=True)


def test_a_page_leads_to_the_ones_beside_it_and_to_those_that_it_names() -> None:
    pages = [
        a_lesson("03_one", "# 03 · One"),
        a_lesson("04_two", "# 04 · Two\n\nLessons 03 and 09, and 05."),
        a_lesson("05_three", "# 05 · Three"),
    ]
    html = book.html(pages[1], pages)
    assert html.count('href="03_one.html"') == 3, "above, below, and where it is named"
    assert html.count('href="05_three.html"') == 2, "a number by itself is no lesson"
    assert "09_" not in html, "a page that is not in the book is no link"


def test_the_index_leads_to_every_page_and_says_how_long_a_lesson_takes() -> None:
    about = "# 03 · One\n\nWhat it is about.\n\n**Time:** about 20 minutes."
    pages = [a_lesson("03_one", about), book.text_page("broker", "# The broker")]
    html = book.html(book.index(pages), pages)
    assert re.search(r'href="03_one.html">03 · One</a> · about 20 minutes', html)
    assert "What it is about." in html
    assert 'href="broker.html">The broker</a>' in html


@pytest.mark.parametrize("ink", ["INK", "EDGE", "RUNNING", "GOOD"])
def test_code_can_be_read_on_its_shade(ink: str) -> None:
    (shade,) = re.findall(r"--shade: (#\w+)", STYLE)
    assert contrast(getattr(colours, ink), shade) >= 4.5
    assert getattr(colours, ink) in STYLE, "the book has the colours of the pictures"


def test_a_page_holds_no_script() -> None:
    page = a_lesson("a lesson", "# A lesson\n\n<script>alert(1)</script>")
    html = book.html(page, [page])
    assert "<script" not in html
    assert not re.search(r'(?:src|href)="https?:', html)
