"""Tests that Japanese lessons and challenges match the English ones, cell by cell."""

import re
from copy import deepcopy

import nbformat
import pytest
from markdown_it import MarkdownIt
from nbformat.v4 import new_markdown_cell, new_notebook
from notebooks.japanese import TRANSLATED, accept, behind
from notebooks.kernels import NOTEBOOKS
from notebooks.lesson import CHALLENGES, JAPANESE, LESSONS, english, japanese

LETTER = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PAGES = [path.relative_to(JAPANESE).as_posix() for path in sorted(JAPANESE.glob("**/*.md"))]


def test_each_lesson_and_challenge_is_there_in_japanese() -> None:
    assert sorted([*LESSONS, *CHALLENGES]) == TRANSLATED


@pytest.mark.parametrize("lesson", TRANSLATED)
def test_it_has_the_cells_and_the_code_of_its_english_twin(lesson: str) -> None:
    """Text in backticks is the same in both languages, except links: learners type it."""
    ours, theirs = japanese(lesson), english(lesson)
    nbformat.validate(ours)
    assert ours.metadata == theirs.metadata
    assert [(c.id, c.cell_type) for c in ours.cells] == [(c.id, c.cell_type) for c in theirs.cells]
    for one, other in zip(ours.cells, theirs.cells, strict=True):
        if one.cell_type == "code":
            assert one == other
            continue
        assert LETTER.search(one.source), one.source
        code = CODE.findall(one.source.replace("notebooks/ja/", "notebooks/"))
        assert not {*CODE.findall(other.source)} - {*code}, one.source


@pytest.mark.parametrize("lesson", TRANSLATED)
def test_no_cell_is_behind(lesson: str) -> None:
    outdated = "\n".join(
        f"{lesson}: {words} …" for words in behind(english(lesson), japanese(lesson))
    )
    advice = "look at each, then run `python -m notebooks.japanese --accept` in tests"
    assert not outdated, f"{advice}\n{outdated}"


@pytest.mark.parametrize("page", PAGES + TRANSLATED)
def test_both_languages_have_the_same_headings(page: str) -> None:
    if page in TRANSLATED:
        cells = [(c.source for c in one.cells) for one in (english(page), japanese(page))]
        ours, theirs = ("\n".join(sources) for sources in cells)
    else:
        folder = NOTEBOOKS.parent if page == "README.md" else NOTEBOOKS
        ours, theirs = ((one / page).read_text("utf-8") for one in (folder, JAPANESE))
    outline = re.compile(r"^#+(?= )", re.M)
    assert outline.findall(ours) == outline.findall(theirs)


@pytest.mark.parametrize("lesson", TRANSLATED)
def test_its_emphasis_ends_where_it_should(lesson: str) -> None:
    """`**取得（claim）**する` shows asterisks: Markdown needs a space between ）** and する."""
    for cell in japanese(lesson).cells:
        if cell.cell_type == "markdown":
            shown = MarkdownIt().enable("table").render(cell.source)
            assert "*" not in re.sub(r"<code>.*?</code>", "", shown, flags=re.S), shown


def test_a_changed_cell_is_behind_until_a_translator_has_looked() -> None:
    original = new_notebook(
        cells=[new_markdown_cell("A job waits."), new_markdown_cell("It runs.")]
    )
    translation = deepcopy(original)
    accept(original, translation)
    assert behind(original, translation) == []
    original.cells[1].source = "It runs late."
    assert behind(original, translation) == ["It runs late."]
    accept(original, translation)
    assert behind(original, translation) == []
