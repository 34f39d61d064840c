"""The numbers in the sentences of README, in both languages: each is the program's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from PIL import Image
from translated import in_japanese

ROOT = Path(__file__).resolve().parents[1]
#: The lessons of the line that README names, whose minutes are those of the course.
_LINE = ("00", "01", "02", "03", "04", "05", "06", "10", "12")


@cache
def shown() -> str:
    """What the picture of the demo says of itself."""
    with Image.open(ROOT / ".github" / "timeline.png") as picture:
        return str(picture.info["Description"])


def shown_in_japanese() -> str:
    """The same in Japanese."""
    heads, what = shown().split(": ")
    return ": ".join("、".join(map(in_japanese, part.split(", "))) for part in (heads, what))


def comments() -> str:
    """How many comments the picture is of."""
    return re.findall(r"\d+", shown())[0]


def kills() -> str:
    """How many workers were killed in it."""
    return re.findall(r"\d+", shown())[1]


def hours() -> str:
    """How many hours the line of lessons takes."""
    minutes = 0
    for lesson in _LINE:
        (path,) = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
        found = re.search(r"\*\*Time:\*\* about (\d+) minutes", path.read_text("utf-8"))
        minutes += int(found[1]) if found else 0
    return f"{minutes / 60:.0f}"


def levels() -> str:
    """How many levels the judge has, and so how many challenges there are."""
    from demo_app.judge.levels import LEVELS

    return str(len(LEVELS))


def faults() -> str:
    """How many faults a campaign makes."""
    from chaos.plan import Plan

    return f"{Plan().faults:,}"


#: By the file: where each number is, as the only group of a pattern, and what it has to be.
NUMBERS: dict[Path, dict[str, Callable[[], str]]] = {
    ROOT / "README.md": {
        r"!\[([^.\]]+)\. A job is a row": shown,
        r"--comments (\d+) ": comments,
        r"--kills (\d+)`": kills,
        r"about (\d+) hours": hours,
        r"\[(\d+) challenges\]": levels,
        r"\| ([\d,]+) faults:": faults,
    },
    ROOT / "notebooks" / "ja" / "README.md": {
        r"!\[([^。\]]+)。1 行が": shown_in_japanese,
        r"--comments (\d+) ": comments,
        r"--kills (\d+)`": kills,
        r"(\d+) 時間ほど": hours,
        r"\[(\d+) の課題\]": levels,
        r"\[([\d,]+) 回の障害注入\]": faults,
        r"ベンチマークの表、([\d,]+) 回": faults,
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
        text = re.sub(place, lambda match: match[0].replace(match[1], value()), text)  # noqa: B023
    return text
