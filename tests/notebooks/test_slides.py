"""The slides show what a lesson's cells show, and keep its prose for the speaker."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebooks.colours import contrast
from notebooks.kernels import NOTEBOOKS
from notebooks.lesson import LESSONS
from playwright.sync_api import expect
from support import browser_running

from demo_app.demo import colours
from lab.slides import html, slides

LESSON = new_notebook(
    cells=[
        new_markdown_cell(
            "# 04 · A lesson\n\nWhat it is.\n\n## A kill\n\n*About 2 minutes.*\n\nAsk."
        ),
        new_code_cell("1 + 1", outputs=[new_output("execute_result", {"text/plain": "two"})]),
        new_markdown_cell("**Seen:** it is two.\n\nAnd why?\n\n### Exercise 4.1\n\nDo it."),
        new_code_cell('answer = ...\ncheck("4.1", answer)'),
        new_markdown_cell("## Key points\n\n- It was two.\n\nYour predictions:"),
        new_code_cell("predictions()"),
        new_markdown_cell("## Words learnt\n\nnone"),
    ]
)


def test_the_room_sees_cells_and_what_was_seen_and_the_speaker_the_prose() -> None:
    found = [
        (slide.title, [cell.source.strip() for cell in slide.shown], slide.notes)
        for slide in slides(LESSON)
    ]
    assert found == [
        ("04 · A lesson", ["What it is."], []),
        ("A kill", ["1 + 1"], ["*About 2 minutes.*\n\nAsk."]),
        ("A kill", ["**Seen:** it is two."], ["And why?"]),
        ("Key points", ["- It was two.\n\nYour predictions:"], []),
    ]


@pytest.mark.parametrize("folder", [NOTEBOOKS, NOTEBOOKS / "ja"])
@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_has_slides_from_its_title_to_its_key_points(
    folder: Path, lesson: str
) -> None:
    found = slides(nbformat.read(folder / f"{lesson}.ipynb", as_version=4))
    assert found[0].title.startswith(lesson[:2])
    assert found[-1].title in ("Key points", "要点")
    assert all(slide.shown for slide in found)
    assert sum(bool(slide.notes) for slide in found) >= 3


def test_the_keys_lead_through_the_slides_and_open_the_notes(tmp_path: Path) -> None:
    page, asked = tmp_path / "slides.html", []
    page.write_text(html(LESSON, "en"), "utf-8")
    with browser_running() as browser:
        tab = browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(page.as_uri())
        shown = tab.locator("section.present")
        assert "What it is." in shown.inner_text()
        tab.keyboard.press("PageDown")
        assert "two" in shown.inner_text()
        assert "Ask." not in shown.inner_text()
        with tab.expect_popup() as popup:
            tab.keyboard.press("s")
        notes = popup.value.locator(".speaker-controls-notes .value")
        expect(notes).to_contain_text("Ask.")
        tab.bring_to_front()
        tab.keyboard.press("ArrowRight")
        expect(notes).to_contain_text("And why?")
        tab.keyboard.press("End")
        assert shown.locator("h2").inner_text() == "Key points"
        tab.keyboard.press("ArrowLeft")
        expect(tab).to_have_url(re.compile("#/2$"))
        tab.reload()
        assert "it is two" in shown.inner_text(), "a reload stays on the slide"
    assert [url for url in asked if not url.startswith("file:")] == []


def test_the_speakers_view_knows_how_long_each_topic_takes() -> None:
    assert re.findall(r'data-timing="(\d+)"', html(LESSON, "en")) == ["30", "60", "60", "30"]


@pytest.mark.parametrize("ink", ["INK", "EDGE", "RUNNING", "GOOD"])
def test_code_can_be_read_on_its_shade(ink: str) -> None:
    style = (NOTEBOOKS / "slides" / "style.css").read_text("utf-8")
    (shade,) = re.findall(r"--shade: (#\w+)", style)
    assert contrast(getattr(colours, ink), shade) >= 4.5
    assert getattr(colours, ink) in style, "the slides have the colours of the pictures"
