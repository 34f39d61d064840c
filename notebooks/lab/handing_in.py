"""`hand_in`: what a learner answered and predicted, in one file for the teacher."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from lab import checks, prediction
from lab.language import english_of, say
from lab.lifecycle import LabError
from lab.show import Table


def hand_in(name: str = "") -> Table:
    """Write this lesson's exercises and predictions into ``hand-in-NAME.json``, beside the lesson.

    name: whose it is. What other lessons wrote there stays, and so does what was right. The file
    is plain text: it says what the learner's own kernel says, and proves nothing. Raises LabError
    when there is nothing yet, or the file is no hand-in.
    """
    exercises = {
        one: {"right": right, "tries": tries} for one, (tries, right) in checks.TRIED.items()
    }
    predictions = [
        {"question": question, "said": said, "measured": measured, "verdict": verdict}
        for one in prediction.KEPT.values()
        for question, said, measured, verdict in [one.row(english_of)]
        if one.asked
    ]
    if not exercises and not predictions:
        told = "There is nothing to hand in yet: answer an exercise, or predict something."
        raise LabError(say(told))
    whose = re.sub(r"[^\w-]+", "-", name).strip("-") or "mine"
    path = Path(f"hand-in-{whose}.json")
    found = _before(path)
    found["name"], found["day"] = name, date.today().isoformat()
    solved = {one for one, told in found["exercises"].items() if told["right"]}
    found["exercises"] |= {one: told for one, told in exercises.items() if one not in solved}
    questions = {one["question"] for one in predictions}
    before = [one for one in found["predictions"] if one["question"] not in questions]
    found["predictions"] = before + predictions
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    answered, n = found["exercises"].values(), len(found["predictions"])
    right = sum(one["right"] for one in answered)
    told = "{right} of {all} exercises right, {n} predictions"
    row = path, say(told, right=right, all=len(answered), n=n)
    return Table(("the file", "what it has"), [row])


def _before(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {"exercises": {}, "predictions": []}
    try:
        found = json.loads(path.read_text("utf-8"))
        return {"exercises": dict(found["exercises"]), "predictions": list(found["predictions"])}
    except (ValueError, KeyError, TypeError):
        told = "{path} is no hand-in. Move it away, or give another name."
        raise LabError(say(told, path=path)) from None
