"""What a class handed in of its lessons: a table of the files that `lab.hand_in` writes.

A hand-in says what the learner's own kernel said. It is a help to a teacher, and no proof.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo_app.markdown import table

#: The verdict of a prediction that was right, as `lab.prediction` says it.
_RIGHT = "as predicted"


@dataclass(frozen=True, slots=True)
class Lessons:
    """One hand-in. tries: by exercise, up to the right answer; negative while it is not right.

    predicted, right: how many predictions were made, and how many were right. told: why the file
    can't be read.
    """

    file: str
    tries: dict[str, int] = field(default_factory=dict)
    predicted: int = 0
    right: int = 0
    told: str = ""


def lessons(folder: Path) -> list[Lessons]:
    """The hand-ins of a folder, by the names of their files."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Lessons:
    try:
        found: Any = json.loads(path.read_text("utf-8"))
        tries = {
            str(name): int(one["tries"]) * (1 if one["right"] is True else -1)
            for name, one in found["exercises"].items()
        }
        verdicts = [one["verdict"] for one in found["predictions"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Lessons(path.name, told=f"It is no hand-in: {type(error).__name__}.")
    return Lessons(path.name, tries, len(verdicts), verdicts.count(_RIGHT))


def exercises(found: Sequence[Lessons]) -> list[str]:
    """Every exercise that somebody answered, in the lessons' order."""
    names = {name for one in found for name in one.tries}
    return sorted(
        names, key=lambda name: [int(n) if n.isdecimal() else -1 for n in name.split(".")]
    )


def markdown(found: Sequence[Lessons]) -> str:
    """A row for each hand-in: ✓ and the tries that it took, ✗ while it is wrong."""
    names = exercises(found)
    head = ["hand-in", *names, "right", "as predicted", ""]
    rows = []
    for one in found:
        signs = [_sign(one.tries.get(name, 0)) for name in names]
        right = str(sum(tries > 0 for tries in one.tries.values()))
        rows.append([one.file, *signs, right, f"{one.right} of {one.predicted}", one.told])
    return table(head, rows, ["---", *(":---:" for _ in names), "---:", "---:", "---"])


def _sign(tries: int) -> str:
    return f"✓ {tries}" if tries > 0 else f"✗ {-tries}" if tries else ""


def as_csv(found: Sequence[Lessons]) -> str:
    """The same for a spreadsheet: the tries that an exercise took, negative while it is wrong."""
    names, text = exercises(found), io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["hand-in", *names, "right", "as predicted", "predictions", "told"])
    for one in found:
        tries = [one.tries.get(name, "") for name in names]
        solved = sum(count > 0 for count in one.tries.values())
        writer.writerow([one.file, *tries, solved, one.right, one.predicted, one.told])
    return text.getvalue()
