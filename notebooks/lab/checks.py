"""`check`: is the answer to an exercise right? It gives a hint, and never the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from importlib import import_module
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from IPython.display import HTML

from demo_app.commands.doctor import results
from lab.lifecycle import LabError
from lab.show import Table

if TYPE_CHECKING:
    from lab.running import Lab

Hint = str | EllipsisType | None
Test = Callable[..., Hint]
_tests: dict[str, Test] = {}
_tried: dict[str, tuple[int, bool]] = {}  # of each exercise: tries up to the right one; right?
_FOLDER = Path(__file__).resolve().parent.parent


def exercise(name: str) -> Callable[[Test], Test]:
    """Register the test of an exercise. It takes the answer, and the lab if its cell gives one; it
    returns a hint, or None when the answer is right, or `...` when there is no answer yet."""

    def register(test: Test) -> Test:
        _tests[name] = test
        return test

    return register


def some_of(name: str, right: set[str], wrong: set[str], too_much: str, too_little: str) -> None:
    """An exercise whose answer is a set of words.

    right, wrong: the words on offer. too_much: the hint for a wrong word, which replaces ``{}``.
    too_little: the hint when a right word is missing.
    """

    def test(answer: Any) -> str | None:
        if not isinstance(answer, set):
            return "give a set of words, as in {...}."
        if unknown := answer - right - wrong:
            return f"{min(unknown, key=str)!r} is not one of the words. Copy them as they are."
        if extra := answer & wrong:
            return too_much.format(repr(min(extra)))
        return None if answer == right else too_little

    exercise(name)(test)


def number(name: str, right: float, hint: str) -> None:
    """An exercise whose answer is a number."""
    exercise(name)(lambda answer: None if abs(answer - right) < 1e-6 else hint)


def word(name: str, right: str, hints: dict[str, str], otherwise: str) -> None:
    """An exercise whose answer is one word. hints: by wrong answer."""

    def test(answer: Any) -> str | None:
        said = str(answer).strip("(). ").casefold()
        if said == right.casefold():
            return None
        return {wrong.casefold(): hint for wrong, hint in hints.items()}.get(said, otherwise)

    exercise(name)(test)


def check(name: str, answer: Any, *lab: Lab) -> None:
    """Say whether the answer to the exercise is right, with a hint when it is not.

    lab: the one that the exercise is about, if it is about one. An answer that breaks its test is a
    wrong answer; the error is its hint. Raises LabError when the lab is closed.
    """
    import_module("lab.exercises")
    try:
        hint = ... if answer is ... else _tests[name](answer, *lab)
    except LabError:
        raise
    except Exception as error:
        hint = f"checking your answer failed with {type(error).__name__}: {error}"
    if hint is ...:
        print(f"○ {name}: put your answer in place of the three dots, and run the cell again.")
        return
    tries, right = _tried.get(name, (0, False))
    _tried[name] = (tries + (not right), right or not hint)
    print(f"✗ {name}: not yet. Hint: {hint}" if hint else f"✓ {name}: right.")


def tried() -> dict[str, tuple[int, bool]]:
    """Each exercise that was answered: the tries up to the right one, and whether it is right."""
    return dict(_tried)


def doctor() -> Table:
    """The checks of ``python -m demo_app doctor``, one row per check."""
    rows = [(name, "ok" if well else "FAIL", found) for name, found, well in results()]
    return Table(("check", "", "found"), rows)


def solutions(lesson: int) -> HTML:
    """The lesson's solutions, folded: open one after you tried."""
    folded = [
        f"<details><summary>Solution {escape(title)}</summary>"
        f"<pre><code>{escape(code)}</code></pre><p>{escape(words)}</p></details>"
        for title, code, words in read_solutions(lesson)
    ]
    return HTML("".join(folded))  # type: ignore[no-untyped-call]


def read_solutions(lesson: int) -> list[tuple[str, str, str]]:
    """Each solution's title, code and explanation, from the folder ``solutions``."""
    (path,) = (_FOLDER / "solutions").glob(f"{lesson:02d}_*.md")
    parts = re.findall(
        r"^## (.+?)\n+```python\n(.*?)```\n+(.*?)(?=^## |\Z)", path.read_text("utf-8"), re.M | re.S
    )
    return [(title.strip(), code, " ".join(words.split())) for title, code, words in parts]
