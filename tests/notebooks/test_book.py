"""Tests of the book, the site of all lessons and pages: it works offline, without broken links."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import answers
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebooks.kernels import NOTEBOOKS
from programs import BROWSER, needs
from support import axe_violations, browser_running

from playground import build as playground

pytestmark = pytest.mark.filterwarnings("ignore:'myst_parser")
FIGURE = "Forty jobs, and all of them arrived."


def a_tree(folder: Path, text: str) -> Path:
    """Create a small tree with the folders of this project. Return its path.

    Args:
        text: the content of README.md.
    """
    tree = folder / "tree"
    figure = f'<figure><div role="img" aria-label="{FIGURE}"></div></figure>'
    code = new_code_cell(f"from IPython.display import HTML\nHTML({figure!r})")
    for place, prose in {
        "notebooks": "# 00 · Start\n\nThen lessons 01 and 09. [Code](../demo_app/tasks.py)",
        "notebooks/ja": "# 00 · はじめに\n\nワーカーを強制終了します。レッスン 01 もあります。",
    }.items():
        for name, source in {"00_start": prose, "01_next": prose.replace("00", "01")}.items():
            _put(tree / place / f"{name}.ipynb", [new_markdown_cell(source), code])
    for place, content in {
        "README.md": text,
        "notebooks/ja/README.md": "# 失われないジョブ",
        "notebooks/words.md": "# Words\n\nlesson 01",
        "notebooks/ja/words.md": "# 用語集\n\nレッスン 01",
        "notebooks/reference/faq.md": "# Questions",
        "notebooks/reference/broker.md": "# The broker",
        "notebooks/ja/reference/faq.md": "# よくある質問",
        **{
            f"notebooks/reference/answers/{page}.md": f"# {page}"
            for page in ("lost", "twice", "late", "settings", "queues", "rq")
        },
        "notebooks/book/api.md": "# API\n\n{{ calls }}",
        ".github/SECURITY.md": "# Security\n\nThe code of [the app](../demo_app).",
        "demo_app/tasks.py": "def notify_author(): ...",
        "demo_app/__init__.py": '"""The app."""',
    }.items():
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        (tree / place).write_text(content, "utf-8")
    for place, title in (("notebooks", "# Challenge 1"), ("notebooks/ja", "# 課題 1")):
        _put(tree / place / "challenges/01_runs.ipynb", [new_markdown_cell(title)])
    return tree


def _put(path: Path, cells: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    python = {"language_info": {"name": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=python), path)


def build(tree: Path, folder: Path, *options: str) -> int:
    """Build the tree's site in `folder / "book"`, as `make book` does. Return the exit status."""
    from sphinx.cmd.build import build_main  # takes 0.5 s: import only when needed

    usual = ["-q", "-W", "--keep-going", "-d", str(folder / "pages"), *options]
    return build_main([*usual, "-c", str(NOTEBOOKS / "book"), str(tree), str(folder / "book")])


@pytest.mark.timeout(240)
def test_the_book_works_without_network_requests(tmp_path: Path) -> None:
    needs(BROWSER)
    site = tmp_path / "book"
    tree = a_tree(tmp_path, "# The front\n\n[Start](notebooks/00_start.ipynb)")
    assert build(tree, tmp_path) == 0
    requests: list[str] = []
    with browser_running() as browser:
        tab = browser.new_page()
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto((site / "README.html").as_uri())
        tab.click("article >> text=Start")
        for page, lesson in (("notebooks", "00 · Start"), ("notebooks/ja", "00 · はじめに")):
            assert tab.url == (site / page / "00_start.html").as_uri()
            assert lesson in tab.inner_text("h1")
            assert tab.locator(f'figure [role=img][aria-label="{FIGURE}"]').count() == 1
            assert tab.locator('article a:has-text("01")').get_attribute("href") == "01_next.html"
            assert tab.locator('article a:has-text("09")').count() == 0, "it is not in the book"
            for width in (390, 1920):
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
    assert [url for url in requests if not url.startswith("file:")] == []


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_this_site_has_no_broken_link_and_leads_from_an_answer_to_its_replay(
    tmp_path: Path,
) -> None:
    site = tmp_path / "book"
    assert build(NOTEBOOKS.parent, tmp_path, "-D", "nb_execution_mode=off") == 0
    (site / "show.html").write_text("<title>A show</title>")
    subprocess.run([sys.executable, playground.__file__, site], check=True)
    with browser_running() as browser:
        tab = browser.new_page(viewport={"width": 390, "height": 844}, locale="en")
        tab.goto((site / "index.html").as_uri())
        tab.click("nav >> text=The show")
        assert tab.title() == "A show"
        tab.go_back()
        tab.click("nav >> text=The answers")
        assert tab.title().startswith("Does Celery lose tasks on Redis?")
        output = tab.locator("meta[name=description]").get_attribute("content") or ""
        assert output.startswith("Yes, it can. This page is for people whose tasks disappear")
        picture = tab.locator("meta[property='og:image']").get_attribute("content") or ""
        assert (site / picture).is_file()
        checked = {*answers.BLOCKS, "rq"}  # all pages about queues have the layout of rq's
        for answer in site.glob("notebooks/**/answers/*.html"):
            if answer.stem not in checked:
                continue
            tab.goto(answer.as_uri())
            assert axe_violations(tab, "article") == [], answer
        tab.goto((site / "notebooks/reference/answers/lost.html").as_uri())
        tab.click("article a >> text=lost")
        assert "1 lost" in tab.inner_text("#sum")
        tab.click("nav >> text=The lessons")
        assert tab.inner_text("h1") == "Jobs that survive"


@pytest.mark.thorough
def test_the_build_fails_and_names_a_broken_link_and_a_lesson_that_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tree = a_tree(tmp_path, "# The front\n\n[Nowhere](notebooks/99_gone.ipynb)")
    code = "import os\nraise LookupError(os.getcwd())"
    _put(tree / "notebooks/01_next.ipynb", [new_markdown_cell("# 01"), new_code_cell(code)])
    assert build(tree, tmp_path) == 1
    warnings = capfd.readouterr().err
    assert "99_gone" in warnings
    assert "01_next" in warnings
    log = tmp_path / "book" / "reports" / "notebooks" / "01_next.err.log"
    output = re.sub(r"\x1b\[[\d;]*m", "", log.read_text("utf-8"))
    assert f"LookupError: {tree / 'notebooks'}" in output, "run in its folder"
