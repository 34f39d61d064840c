"""How long a lesson takes is added up from what was measured and from what a person needs."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebooks.minutes import timed


def told(seconds: float, words: int = 0, exercise: str = "") -> str:
    """What a lesson says with one section, whose only cell took so long."""
    text = f"## A kill\n\n*About 9 minutes.*\n\n{'word ' * words}\n\n{exercise}"
    cells = [new_markdown_cell("# A lesson\n\n**Time:** about 0 minutes."), new_markdown_cell(text)]
    notebook = timed(new_notebook(cells=[*cells, new_code_cell("lab.kill()")]), [seconds])
    return "\n".join(cell.source for cell in notebook.cells)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 minute"),
        (60, "1 minute"),
        (70, "2 minutes"),
        (39.4 * 60, "40 minutes"),
        (41.9 * 60, "40 minutes"),
        (42.9 * 60, "45 minutes"),
    ],
)
def test_a_section_says_whole_minutes_and_long_ones_are_rounded_to_five(
    seconds: float, said: str
) -> None:
    text = told(seconds)
    assert f"## A kill\n\n*About {said}.*\n\n" in text
    assert f"**Time:** about {said}." in text
    assert text.count("inutes") + text.count("inute.") == 2, "what was there before is gone"


def test_reading_and_an_exercise_take_their_time() -> None:
    assert "*About 1 minute.*" in told(0)
    assert "*About 3 minutes.*" in told(0, words=300)
    assert "*About 60 minutes.*" in told(0, exercise="### Exercise 12.1\n\n")


def test_a_section_without_a_cell_says_none() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("## Words learnt\n\nA table.")])
    assert timed(notebook, []).cells[0].source == "## Words learnt\n\nA table."
