"""`check`: is an exercise's answer right? A hint where it is not, and never the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import EllipsisType
from typing import Any

from IPython.display import HTML

Test = Callable[..., str | EllipsisType | None]
_tests: dict[str, Test] = {}
_FOLDER = Path(__file__).resolve().parent.parent


def exercise(name: str) -> Callable[[Test], Test]:
    """Register the test of an exercise: it takes the answer, and returns a hint, or None when it
    is right, or three dots when they stand there still."""

    def register(test: Test) -> Test:
        _tests[name] = test
        return test

    return register


def check(name: str, *answer: Any) -> None:
    """Say whether the answer to the exercise is right, with a hint when it is not.

    An answer that breaks its test is a wrong answer; the error is its hint.
    """
    number = int(name.partition(".")[0])
    import_module(f"lab.exercises.lesson{number}")
    try:
        untouched = any(given is ... for given in answer)
        hint = ... if untouched else _tests[name](*answer)
    except Exception as error:
        hint = f"trying your answer failed with {type(error).__name__}: {error}"
    if hint is ...:
        print(f"○ {name}: put your answer in place of the three dots, and run the cell again.")
        return
    print(f"✗ {name}: not yet. Hint: {hint}" if hint else f"✓ {name}: right.")


def solutions(lesson: int) -> HTML:
    """The lesson's solutions, folded: open one after you tried."""
    from html import escape

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
