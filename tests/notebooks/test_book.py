"""The book is a site that opens offline: every page, in two languages, with figures and search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rich.progress import Progress
from support import browser_running

from lab import book
from lab.show import Picture

pytestmark = pytest.mark.filterwarnings("ignore:'myst_parser")
FIGURE = "Forty jobs, and all of them arrived."


def a_tree(folder: Path, text: str) -> Path:
    """A small tree: a lesson in both languages that was run, and code. text: the README's."""
    tree, kept, code = folder / "tree", folder / "kept", new_code_cell("lab.timeline()")
    shown = Picture('<svg viewBox="0 0 9 9"/>', FIGURE)._repr_mimebundle_()
    for place, prose in {
        "notebooks": "# 00 · Start\n\nThen lessons 01 and 09. [Code](../demo_app/tasks.py#L1-L1)",
        "notebooks/ja": "# 00 · はじめに\n\nワーカーを強制終了します。レッスン 01 もあります。",
    }.items():
        (tree / place).mkdir(parents=True)
        for name, source in {"00_start": prose, "01_next": prose.replace("00", "01")}.items():
            _put(tree / place / f"{name}.ipynb", [new_markdown_cell(source), code])
    output = new_output("display_data", shown)
    ran = new_code_cell(code.source, outputs=[output])
    for place in (kept, kept / "ja"):
        _put(place / "00_start.ipynb", [new_markdown_cell("# 00"), ran])
    for place, words in {
        "README.md": text,
        "notebooks/ja/README.md": "# 失われないジョブ",
        "notebooks/words.md": "# Words\n\nlesson 01",
        "notebooks/ja/words.md": "# 用語集\n\nレッスン 01",
        "notebooks/reference/faq.md": "# Questions",
        "notebooks/reference/broker.md": "# The broker",
        "notebooks/ja/reference/faq.md": "# よくある質問",
        "notebooks/book/api.md": "# API\n\n{{ calls }}",
        ".github/SECURITY.md": "# Security\n\nThe code of [the app](../demo_app).",
        "demo_app/tasks.py": "def notify_author(): ...",
        "demo_app/__init__.py": '"""The app."""',
    }.items():
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        (tree / place).write_text(words, "utf-8")
    for place, title in (("notebooks", "# Challenge 1"), ("notebooks/ja", "# 課題 1")):
        _put(tree / place / "challenges/01_runs.ipynb", [new_markdown_cell(title)])
    return tree


def _put(path: Path, cells: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    python = {"language_info": {"name": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=python), path)


@pytest.mark.timeout(240)
def test_a_page_needs_nothing_from_anywhere(tmp_path: Path) -> None:
    site = tmp_path / "book"
    tree = a_tree(tmp_path, "# The front\n\n[Start](notebooks/00_start.ipynb)")
    assert book.write(site, tmp_path / "kept", tree) == 0
    asked: list[str] = []
    with browser_running() as browser:
        tab = browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto((site / "index.html").as_uri())
        tab.click("article >> text=Start")
        for page, lesson in (("notebooks", "00 · Start"), ("notebooks/ja", "00 · はじめに")):
            assert tab.url == (site / page / "00_start.html").as_uri()
            assert lesson in tab.inner_text("h1")
            assert tab.locator(f'figure [role=img][aria-label="{FIGURE}"]').count() == 1
            assert tab.locator('article a:has-text("01")').get_attribute("href") == "01_next.html"
            assert tab.locator('article a:has-text("09")').count() == 0, "it is not in the book"
            for width in (390, 1920):  # a phone, a projector
                tab.set_viewport_size({"width": width, "height": 1080})
                assert tab.evaluate("document.documentElement.scrollWidth") <= width
            tab.click("a.twin")
        tab.click("article a >> text=Code")
        assert "notify_author" in tab.inner_text("article")
        for page, heading in (
            ("notebooks/words", "Words"), ("notebooks/reference/faq", "Questions"),
            ("notebooks/challenges/01_runs", "Challenge 1"), ("demo_app/__init__", "demo_app"),
            (".github/SECURITY", "Security"), ("notebooks/book/api", "API"),
        ):  # fmt: skip
            tab.goto((site / f"{page}.html").as_uri())
            assert heading in tab.inner_text("h1")
        assert "/api/jobs/summary" in tab.inner_text("table")
        tab.fill("input[name=q]", "終了")
        tab.press("input[name=q]", "Enter")
        tab.locator("ul.search >> text=00 · はじめに").wait_for()
    assert [url for url in asked if not url.startswith("file:")] == []


def test_a_broken_link_fails_the_build(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tree = a_tree(tmp_path, "# The front\n\n[Nowhere](notebooks/99_gone.ipynb)")
    assert book.write(tmp_path / "book", tmp_path / "kept", tree) == 1
    assert "99_gone" in capfd.readouterr().err


def test_a_lesson_is_run_and_an_error_names_lesson_and_cell(tmp_path: Path) -> None:
    lesson = tmp_path / "99_wrong.ipynb"
    code = ["import os", "raise LookupError(f'I am in {os.getcwd()}')"]
    _put(lesson, [new_markdown_cell("# 99"), *map(new_code_cell, code)])
    with Progress() as bars, pytest.raises(CellExecutionError) as told:
        book.run(lesson, bars)
    assert f"I am in {tmp_path}" in str(told.value), "in the lesson's folder, after the first cell"
    assert told.value.__notes__ == [f"That was lesson {tmp_path.name}/99_wrong, cell 3."]
    assert bars.tasks[0].completed == 3
