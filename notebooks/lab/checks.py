"""The function `check`, which tests an answer to an exercise, and the solutions of exercises."""

import re
from pathlib import Path
from typing import Any

from IPython.display import HTML

from demo_app.commands.doctor import results
from lab import exercises, exercises_in_code  # noqa: F401  # registers them
from lab.extra_process import NotReady
from lab.kinds import TESTS
from lab.language import to_english, translate
from lab.running import Lab
from lab.show import LabError, Table, folded

_FOLDER = Path(__file__).resolve().parent.parent


def check(name: str, answer: Any, *lab: Lab) -> None:
    """Print whether the answer to the exercise is right, with a hint if it is not.

    If the test raises an error, the answer is wrong, and the error is the hint.

    Args:
        lab: the running `Lab`, for an exercise about a lab.

    Raises:
        LabError: the lab is closed, or did not reach an expected state in time.
    """
    try:
        hint = ... if _contains_gap(answer) else TESTS[name](to_english(answer), *lab)
    except NotReady as error:
        hint = str(error)
    except LabError:
        raise
    except Exception as error:
        kind = type(error).__name__
        hint = translate("checking your answer failed with {kind}: {error}", kind=kind, error=error)
    if hint is ...:
        put = "○ {name}: no answer yet. Do what the exercise asks, and run this cell again."
        print(translate(put, name=name))
        return
    text = "✗ {name}: not yet. Hint: {hint}" if hint else "✓ {name}: right."
    print(translate(text, name=name, hint=translate(hint) if isinstance(hint, str) else ""))


def _contains_gap(answer: Any) -> bool:
    """Return True if the answer still contains a `...` of the exercise."""
    if isinstance(answer, dict):
        answer = answer.values()
    elif not isinstance(answer, set | tuple):
        answer = [answer]
    return any(one is ... for one in answer)


def doctor() -> Table:
    """Return the failed checks of ``python -m demo_app doctor``, or one row if all is well."""
    found = list(results(translate))
    failed = [(translate(name), "FAIL", text) for name, text, well in found if not well]
    here = translate("here is all that the lessons need")
    all_well = (translate("{n} checks", n=len(found)), "ok", here)
    return Table(("check", "", "found"), failed or [all_well])


def solutions(lesson: int) -> HTML:
    found = "".join(
        folded(f"{translate('Solution')} {number} {translate(title)}", code, translate(words))
        for number, title, code, words in read_solutions(lesson)
    )
    return HTML(found)  # type: ignore[no-untyped-call]


def solved(cell: str) -> str:
    """Return the solution of a cell's exercise, or the cell's code if it has no exercise."""
    if not (found := re.search(r'^check\("((\d+)\.\d)"', cell, re.M)):
        return cell
    return next(code for number, _, code, _ in read_solutions(int(found[2])) if number == found[1])


def read_solutions(lesson: int) -> list[tuple[str, str, str, str]]:
    """Return the number, title, code and explanation of each solution of a lesson."""
    (path,) = (_FOLDER / "solutions").glob(f"{lesson:02d}_*.md")
    part = r"^## (\S+) (.+?)\n+```python\n(.*?)```\n+(.*?)(?=^## |\Z)"
    parts = re.findall(part, path.read_text("utf-8"), re.M | re.S)
    return [(number, title, code, " ".join(words.split())) for number, title, code, words in parts]
