"""The slides show what a lesson's cells show, and keep its prose for the speaker."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebooks.kernels import NOTEBOOKS
from playwright.sync_api import expect
from programs import BROWSER, needs
from support import browser_running

LESSON = new_notebook(
    cells=[
        new_markdown_cell(
            "# 04 · A lesson\n\nWhat it is.\n\n## A kill\n\n*About 2 minutes.*\n\nAsk."
        ),
        new_code_cell("print('two')"),
        new_markdown_cell("**Seen:** it is two.\n\nAnd why?\n\n### Exercise 4.1\n\nDo it."),
        new_code_cell('answer, check = ..., print\ncheck("4.1", answer)'),
        new_markdown_cell("## Key points\n\n- It was two."),
        new_code_cell("3 + 4"),
    ]
)


def test_the_keys_lead_through_the_slides_and_open_the_notes(tmp_path: Path) -> None:
    needs(BROWSER)
    nbformat.write(LESSON, tmp_path / "04_lesson.ipynb")
    config = f"--config={NOTEBOOKS / 'slides' / 'config.py'}"
    command = [sys.executable, "-m", "nbconvert", config, "--to=slides", "--execute"]
    subprocess.run([*command, "04_lesson.ipynb"], cwd=tmp_path, check=True)
    page, asked = tmp_path / "04_lesson.slides.html", []
    told = re.sub(r"\s+", " ", page.read_text("utf-8"))
    times = re.findall(r'<section data-timing="\d+"> ?<section data-timing="(\d+)"', told)
    assert times == ["0", "120", "0", "0"], "the speaker's view knows a topic's minutes"
    with browser_running() as browser:
        tab = browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(page.as_uri())
        shown = tab.locator("section.present:not(.stack)")
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
        assert shown.locator("h2").inner_text().startswith("Key points")
        tab.keyboard.press("ArrowLeft")
        expect(tab).to_have_url(re.compile("#/2$"))
        tab.reload()
        assert "it is two" in shown.inner_text(), "a reload stays on the slide"
        assert tab.get_by_text("Do it.").count() == 0, "an exercise is the learner's own work"
    assert [url for url in asked if not url.startswith("file:")] == []
