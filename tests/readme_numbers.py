"""The numbers in the sentences of README, in both languages: each is the program's own."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from chaos.plan import Plan
from PIL import Image
from translated import in_japanese

from demo_app.judge.levels import LEVELS

ROOT = Path(__file__).resolve().parents[1]
#: The lessons of the line that README names, whose minutes are those of the course.
_LINE = ("00", "01", "02", "03", "04", "05", "06", "10", "12")


@cache
def _values() -> dict[str, str]:
    """What the picture of the demo says of itself, with its numbers; hours of the line of lessons;
    levels of the judge, each a challenge; faults of a campaign."""
    with Image.open(ROOT / ".github" / "timeline.png") as picture:
        shown = str(picture.info["Description"])
    heads, what = shown.split(": ")
    ja_shown = ": ".join("、".join(map(in_japanese, part.split(", "))) for part in (heads, what))
    comments, kills, *_ = re.findall(r"\d+", shown)
    minutes = 0
    for lesson in _LINE:
        (path,) = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
        (found,) = re.findall(r"\*\*Time:\*\* about (\d+) minutes", path.read_text("utf-8"))
        minutes += int(found)
    return {
        "shown": shown,
        "ja_shown": ja_shown,
        "comments": comments,
        "kills": kills,
        "hours": f"{minutes / 60:.0f}",
        "levels": str(len(LEVELS)),
        "faults": f"{Plan().faults:,}",
    }


#: By the file: where each number is, as the only group of a pattern, and which one.
NUMBERS: dict[Path, dict[str, str]] = {
    ROOT / "README.md": {
        r"!\[([^.\]]+)\. A job is a row": "shown",
        r"--comments (\d+) ": "comments",
        r"--kills (\d+)`": "kills",
        r"about (\d+) hours": "hours",
        r"\[(\d+) challenges\]": "levels",
        r"\| ([\d,]+) faults:": "faults",
    },
    ROOT / "notebooks" / "ja" / "README.md": {
        r"!\[([^。\]]+)。1 行が": "ja_shown",
        r"--comments (\d+) ": "comments",
        r"--kills (\d+)`": "kills",
        r"(\d+) 時間ほど": "hours",
        r"\[(\d+) の課題\]": "levels",
        r"\[([\d,]+) 回の障害注入\]": "faults",
        r"ベンチマークの表、([\d,]+) 回": "faults",
    },
}


def numbered(path: Path) -> str:
    """The text of the file with its numbers as they should be.

    Raises LookupError when a number has no place, or several.
    """
    text = path.read_text("utf-8")
    for place, value in NUMBERS[path].items():
        found = re.findall(place, text)
        if len(found) != 1:
            raise LookupError(f"{path} has {len(found)} places for {place}")
        text = re.sub(place, lambda match: match[0].replace(match[1], _values()[value]), text)  # noqa: B023
    return text
