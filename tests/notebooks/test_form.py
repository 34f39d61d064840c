"""Tests that no outputs are stored, that stated minutes are right, and that the glossaries and the
page with the executed lesson are up to date."""

import re
from pathlib import Path

import nbformat
import pytest
from notebooks.executed import PAGE, code, parts
from notebooks.executed import prose as on_the_page
from notebooks.kernels import NOTEBOOKS
from notebooks.lesson import CHALLENGES, JAPANESE, LESSONS, english, prose
from notebooks.minutes import measured, with_minutes
from notebooks.words import page, words

#: Lessons that take longer than half an hour: mysteries, the learner's own app, the outbox.
LONG = {"11_where_is_job_17", "12_your_own", "challenges/11_the_outbox"}


def test_no_notebook_is_stored_with_outputs() -> None:
    for path in NOTEBOOKS.rglob("*.ipynb"):
        if ".ipynb_checkpoints" in path.parts:
            continue
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert not [cell for cell in code if cell.outputs or cell.execution_count], path


@pytest.mark.parametrize("name", [*LESSONS, *CHALLENGES])
def test_the_minutes_are_those_that_were_measured(name: str) -> None:
    notebook = english(name)
    expected = with_minutes(name, measured()[name])
    assert notebook == expected, "run python -m notebooks.minutes --measure in tests"
    found = re.search(r"\*\*Time:\*\* about (\d+) minutes", prose(name))
    assert found is not None
    assert int(found[1]) <= (100 if name in LONG else 30)


@pytest.mark.parametrize("folder", [NOTEBOOKS, JAPANESE])
def test_the_glossary_has_every_word_of_the_lessons(folder: Path) -> None:
    stored = (folder / "words.md").read_text("utf-8")
    assert stored == page(folder), "run python -m notebooks.words in tests"
    assert len(words(folder)) > 40
    for lesson in LESSONS:
        assert any(lesson[:2] in word.lessons for word in words(folder))


def test_a_word_has_the_same_japanese_one_in_both_glossaries() -> None:
    english, japanese = ({w.word: w.japanese for w in words(f)} for f in (NOTEBOOKS, JAPANESE))
    assert english == japanese


def test_the_executed_lesson_has_the_cells_of_the_lesson_in_their_order() -> None:
    stored, at = PAGE.read_text("utf-8"), 0
    for is_code, text in parts():
        cell = code(text) if is_code else on_the_page(text).strip()
        at = stored.find(cell, at)
        assert at >= 0, f"write it anew, in tests: python -m notebooks.executed\n{cell}"
