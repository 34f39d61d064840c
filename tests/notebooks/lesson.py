"""Helpers that run a lesson as a learner would, and check its outputs."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from notebooks.kernels import NOTEBOOKS, Kernel, Output
from notebooks.shown import SHOWN
from support import patience

from demo_app.demo.colours import PAPER

JAPANESE = NOTEBOOKS / "ja"
#: A coloured text in a matplotlib SVG. For a black text, matplotlib writes no `fill`.
_TEXT = re.compile(r'<g id="text_\d+">\s*(?:<!--.*?-->\s*)?<g style="fill: (#[0-9a-f]{6})', re.S)
#: The maximum time without output on an idle machine (seconds). It needs at most 2.
_SILENT = 10.0
#: The predictions that a busy machine makes unclear. The lesson then says so, which is correct:
#: jobs must start within a tenth of a second, and one rate must be above every other.
_NOISY = ("20 jobs with fixed waits", "With one client, who is quicker?")
LESSONS = sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
#: Paths without the suffix, such as "challenges/05_a_worker_is_killed".
CHALLENGES = sorted(f"challenges/{path.stem}" for path in NOTEBOOKS.glob("challenges/[0-9]*.ipynb"))


def cells(lesson: str) -> list[tuple[bool, str]]:
    """Return the lesson's cells as pairs (is code, text)."""
    return [(cell.cell_type == "code", cell.source) for cell in english(lesson).cells]


def code_cells(lesson: str) -> list[str]:
    return [text for is_code, text in cells(lesson) if is_code]


def code_of(path: Path) -> str:
    """Return a file's text without its docstring."""
    return re.sub(r'^""".*?"""\n+', "", path.read_text("utf-8"), flags=re.DOTALL).strip()


def solution_of(challenge: str) -> str:
    number = challenge.partition("/")[2][:2]
    return code_of(NOTEBOOKS / f"challenges/solutions/level_{number}.py")


def prose(lesson: str) -> str:
    """Return the lesson's text, with a form feed between two cells."""
    return "\n\f\n".join(text for is_code, text in cells(lesson) if not is_code)


def english(lesson: str) -> Any:
    return nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)


def japanese(lesson: str) -> Any:
    return nbformat.read(JAPANESE / f"{lesson}.ipynb", as_version=4)


def run_lesson(
    here: Kernel, lesson: str, wrong: dict[str, list[str]], run: Callable[[str], list[Output]]
) -> list[Output]:
    """Run the lesson. At each exercise, try the wrong answers and then the solution.

    Args:
        wrong: for each exercise, statements that each set ``answer`` to a wrong answer.
        run: runs a cell and returns its outputs.

    Returns:
        The outputs of all cells except the last one.
    """
    solved = solutions_of(lesson)
    exercises = [name for cell in code_cells(lesson) if (name := exercise_of(cell))]
    assert set(exercises) == set(solved) == set(wrong), "every exercise has both"
    shown: list[Output] = []
    *cells, last = code_cells(lesson)
    for cell in cells:
        shown += run(cell)
        silence = here.silence
        assert silence < patience(_SILENT), f"nothing moved for {silence:.0f} s in\n{cell}"
        name = exercise_of(cell)
        if name is None:
            continue
        assert text_of(shown[-1:]).startswith("○"), "an untouched exercise says so"
        for answer in wrong[name]:
            reply = text_of(here.run(f"{answer}\n{cell.splitlines()[-1]}"))
            assert reply.startswith(f"✗ {name}"), f"{answer} was taken: {reply}"
            assert "Hint:" in reply or "ヒント:" in reply
        reply = text_of(here.run(solved[name])).splitlines()[-1]
        assert reply.startswith(f"✓ {name}"), f"{reply}\n{solved[name]}"
    here.run(SHOWN.get(lesson, ""))
    run(last)
    _every_picture_has_words(shown)
    texts = [text for text in map(_plain, shown) if not any(one in text for one in _NOISY)]
    missed = [text for text in texts if "Not seen: " in text]
    assert not missed, f"the machine was too busy: {missed}"
    return shown


def solutions_of(lesson: str) -> dict[str, str]:
    from lab.checks import read_solutions

    return {number: code for number, _, code, _ in read_solutions(int(lesson[:2]))}


def _every_picture_has_words(outputs: list[Output]) -> None:
    for output in outputs:
        data = output.get("data", {})
        assert "image/png" not in data, "a bare image has no text equivalent"
        html = data.get("text/html", "")
        for figure in html.split("<figure")[1:]:
            words = re.search(r'<div role="img" aria-label="([^"]+)"', figure)
            assert words, "a picture says in words what it shows"
            assert len(words[1]) > 20
            assert words[1] in data["text/plain"] or "&" in words[1]
        for colour in _TEXT.findall(html):
            assert _contrast(colour, PAPER) >= 4.5, f"text in {colour} is hard to read"


def _contrast(one: str, other: str) -> float:
    """Return the WCAG 2 contrast ratio (1 to 21) of two colours such as "#1c2429"."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    light = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), light, strict=True))


def exercise_of(cell: str) -> str | None:
    """Return the number of the exercise that the cell checks, such as "4.1", or None."""
    found = re.search(r'^check\("(\d+\.\d)"', cell, re.M)
    return found[1] if found else None


def text_of(outputs: list[Output]) -> str:
    return "".join(map(_plain, outputs)).strip()


def _plain(output: Output) -> str:
    text: str = output.get("text") or output.get("data", {}).get("text/plain", "")
    return text
