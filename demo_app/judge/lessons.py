"""What a class handed in of its lessons: a table of the files that `lab.hand_in` writes.

A hand-in says what the learner's own kernel said. It is a help to a teacher, and no proof.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from demo_app.judge.sheet import Sheet

#: The verdict of a prediction that was right, as `lab.prediction` says it.
_RIGHT = "as predicted"
#: Bytes of a file that somebody may hand in; tries that are counted; exercises, each of which is a
#: column for everybody.
LARGEST, _MOST, _EXERCISES = 1 << 20, 999, 300
_EXERCISE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}")


def lessons(folder: Path, path: Path | None = None) -> Sheet | None:
    """A row for each: ✓ and the tries that an exercise took, ✗ while it is wrong; None for none.

    path: of the sheet's file.
    """
    found = {str(file.relative_to(folder)): _read(file) for file in sorted(folder.rglob("*.json"))}
    if not found:
        return None
    names = sorted(
        {name for one in found.values() if isinstance(one, tuple) for name in one[0]},
        key=lambda name: [int(number) for number in name.split(".")],
    )
    if path is not None:
        path.unlink(missing_ok=True)  # it is read anew, in no time
    sheet = Sheet(["hand-in", *names, "right", "as predicted", "told"], path)
    for file, one in found.items():
        if isinstance(one, str):
            sheet.add([file, *("" for _ in names), "", "", one])
            continue
        tries, predictions = one
        right = sum(sign.startswith("✓") for sign in tries.values())
        counts = f"{predictions.count(_RIGHT)} of {len(predictions)}"
        sheet.add([file, *(tries.get(name, "") for name in names), right, counts, ""])
    return sheet


def _read(path: Path) -> tuple[dict[str, str], list[str]] | str:
    """What was answered, and the verdicts on predictions; or why it can't be read."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
        return "It is no file, or too large."
    try:
        found: Any = json.loads(path.read_text("utf-8"))
        if len(found["exercises"]) > _EXERCISES:
            return "It is no hand-in: it has too many exercises."
        tries = {
            name: f"{'✓' if one['right'] is True else '✗'} {min(_MOST, abs(int(one['tries'])))}"
            for name, one in found["exercises"].items()
            if _EXERCISE.fullmatch(name)
        }
        return tries, [str(one["verdict"]) for one in found["predictions"]]
    except Exception as error:  # whatever somebody hands in: the others have their rows
        return f"It is no hand-in: {type(error).__name__}."
