"""`check`: is the answer to an exercise right? It gives a hint, and never the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape
from importlib import import_module
from numbers import Real
from pathlib import Path
from types import EllipsisType
from typing import Any

from IPython.display import HTML

from demo_app.commands.doctor import results
from lab.language import meant, say, typed
from lab.lifecycle import LabError
from lab.running import Lab
from lab.show import Table

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


def some_of(right: Iterable[str], wrong: Iterable[str], too_much: str, too_little: str) -> Test:
    """The test of an exercise whose answer is a set of words.

    right, wrong: the words on offer. too_much: the hint for a wrong word, which replaces ``{}``.
    too_little: the hint when a right word is missing.
    """

    asked, others = {*right}, {*wrong}

    def test(answer: Any) -> Hint:
        if not isinstance(answer, set):
            return say("give a set of words, as in {...}.")
        if ... in answer:
            return ...
        if unknown := answer - asked - others:
            told = "{word!r} is not one of the words. Copy them as they are."
            return say(told, word=min(unknown, key=str))
        if extra := answer & others:
            return say(too_much).format(repr(_called(min(extra))))
        return None if answer == asked else say(too_little)

    return test


def for_each(right: dict[str, str], hint: str) -> Test:
    """The test of an exercise whose answer has one of several words for each thing. hint: for the
    first wrong one, which replaces ``{}``."""

    def test(answer: Any) -> Hint:
        if not isinstance(answer, dict):
            return say("keep the braces and the names, and put a word in place of each `...`.")
        if any(said is ... for said in answer.values()):
            return ...
        words = sorted(set(right.values()))
        if answer.keys() != right.keys() or not set(answer.values()) <= set(words):
            one_of = say(", ").join(repr(_called(word)) for word in words)
            return say("give one of {words} for each of the {n}.", words=one_of, n=len(right))
        wrong = [name for name in right if answer[name] != right[name]]
        return say(hint).format(wrong[0]) if wrong else None

    return test


def _called(word: str) -> str:
    """As the lesson calls it. The `no` of an exercise is a setting of Redis."""
    return word if word == "no" else say(word)


def number(right: float, hint: str) -> Test:
    """The test of an exercise whose answer is a number."""

    def test(answer: Any) -> str | None:
        if not isinstance(answer, Real):
            return say("give a number, without quotes.")
        return None if abs(float(answer) - right) < 1e-6 else say(hint)

    return test


def word(right: str, hints: dict[str, str], otherwise: str) -> Test:
    """The test of an exercise whose answer is one word. hints: by wrong answer."""

    def test(answer: Any) -> str | None:
        if not isinstance(answer, str | int):
            return say("give a word, in quotes.")
        said = typed(str(answer))
        if said == right.casefold():
            return None
        return say({wrong.casefold(): hint for wrong, hint in hints.items()}.get(said, otherwise))

    return test


def check(name: str, answer: Any, *lab: Lab) -> None:
    """Say whether the answer to the exercise is right, with a hint when it is not.

    lab: the one that the exercise is about, if it is about one. An answer that breaks its test is a
    wrong answer; the error is its hint. Raises LabError when the lab is closed.
    """
    import_module("lab.exercises")
    try:
        hint = ... if answer is ... else _tests[name](meant(answer), *lab)
    except LabError:
        raise
    except Exception as error:
        kind = type(error).__name__
        hint = say("checking your answer failed with {kind}: {error}", kind=kind, error=error)
    if hint is ...:
        put = "○ {name}: put your answer in place of the three dots, and run the cell again."
        print(say(put, name=name))
        return
    tries, right = _tried.get(name, (0, False))
    _tried[name] = (tries + (not right), right or not hint)
    told = "✗ {name}: not yet. Hint: {hint}" if hint else "✓ {name}: right."
    print(say(told, name=name, hint=hint))


def tried() -> dict[str, tuple[int, bool]]:
    """Each exercise that was answered: the tries up to the right one, and whether it is right."""
    return dict(_tried)


def doctor() -> Table:
    """The checks of ``python -m demo_app doctor``, one row per check."""
    rows = [(say(name), "ok" if well else "FAIL", found) for name, found, well in results(say)]
    rows.sort(key=lambda row: "CVE" in row[2])  # what an ok says beside it comes last
    return Table(("check", "", "found"), rows)


def solutions(lesson: int) -> HTML:
    """The lesson's solutions, folded: open one after you tried."""
    folded = [
        f"<details><summary>{say('Solution')} {number} {escape(say(title))}</summary>"
        f"<pre><code>{escape(code)}</code></pre><p>{escape(say(words))}</p></details>"
        for number, title, code, words in read_solutions(lesson)
    ]
    return HTML("".join(folded))  # type: ignore[no-untyped-call]


def read_solutions(lesson: int) -> list[tuple[str, str, str, str]]:
    """Each solution's number, title, code and explanation, from the folder ``solutions``."""
    (path,) = (_FOLDER / "solutions").glob(f"{lesson:02d}_*.md")
    parts = re.findall(
        r"^## (\S+) (.+?)\n+```python\n(.*?)```\n+(.*?)(?=^## |\Z)",
        path.read_text("utf-8"),
        re.M | re.S,
    )
    return [(number, title, code, " ".join(words.split())) for number, title, code, words in parts]
