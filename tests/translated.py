"""A block of a generated page in Japanese: each cell and sentence by its translation."""

from __future__ import annotations

import json
import re
from functools import cache, partial
from pathlib import Path

_WORDS = Path(__file__).with_name("generated_ja.json")
_LAB = Path(__file__).resolve().parents[1] / "notebooks" / "lab" / "japanese.json"
_GAP = re.compile(r"\{(\w+)[^{}]*\}")
#: What stays as it is: code, and a link to code.
_CODE = re.compile(r"`[^`]*`|\[[^]]*\]\([^)]*\)")
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
#: What parts a line into cells and sentences, and what is there in Japanese.
_BETWEEN = re.compile(
    r"(^\| (?:\| )?| \| | \|$|^- \*\*|^- |\*\*: | ×: |level \d+: |; (?=level )|\. (?=level |`))"
)
_BETWEEN_JAPANESE = {" ×: ": " 回: ", "; ": "。", ". ": "。"}
#: Names and versions, which are the same in both languages.
_NAMES = re.compile(r"[^\sA-Z]+|[\w-]+ [\d.]+(, [\w-]+ [\d.]+)*")


def in_japanese(block: str) -> str:
    """The Markdown in Japanese; what stands between fences is a program's, and stays.

    Raises LookupError for a text that `generated_ja.json` and `lab` have no Japanese for.
    """
    lines, fenced = [], False
    for line in block.splitlines():
        fenced ^= line.startswith("```")
        lines.append(line if fenced else _line(line))
    return "\n".join(lines)


def _line(line: str) -> str:
    parts = _BETWEEN.split(line)
    for place, part in enumerate(parts):
        if place % 2:
            level = part.replace("level", "レベル")
            parts[place] = _BETWEEN_JAPANESE.get(part, level)
        elif re.search(r"[A-Za-z]", _CODE.sub("", part)):
            parts[place] = _translated(part)
    return "".join(parts).replace("。。", "。")


def _translated(text: str) -> str:
    found = _known(text) or text
    if not (_NAMES.fullmatch(text) or _JAPANESE.search(found)):
        raise LookupError(f"{_WORDS.name} has no Japanese for {text!r}")
    return found


def _known(text: str) -> str | None:
    """The Japanese of a text, filled in as the English one is; None when there is none. The text
    may lack its full stop."""
    for whole in (text, f"{text}."):
        if whole in _sentences():
            return _sentences()[whole]
    for pattern, told in _patterns():
        if match := pattern.fullmatch(text) or pattern.fullmatch(f"{text}."):
            return _GAP.sub(partial(_filled, match), told)
    return None


def _filled(match: re.Match[str], gap: re.Match[str]) -> str:
    """What is in the gap. An error is in the words of the library that raised it."""
    name = gap[1]
    return match[name] if name == "error" else _known(match[name]) or match[name]


@cache
def _sentences() -> dict[str, str]:
    """By the English one. Those of the pages count where `lab` has one, too."""
    lab, ours = (json.loads(file.read_text("utf-8")) for file in (_LAB, _WORDS))
    return {**lab, **ours}


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """The sentences with gaps that have words of their own, too; those with most of them first."""
    own = {text: _GAP.sub("", text) for text in _sentences() if _GAP.search(text)}
    worded = (text for text in own if re.search(r"[a-z]", own[text]))
    found = sorted(worded, key=lambda text: -len(own[text]))
    return [(_pattern(text), _sentences()[text]) for text in found]


def _pattern(text: str) -> re.Pattern[str]:
    names: set[str] = set()
    parts = []
    for place, part in enumerate(re.split(r"(\{\w+[^{}]*\})", text)):
        gap = _GAP.fullmatch(part) if place % 2 else None
        if gap is None:
            parts.append(re.escape(part))
        elif gap[1] in names:
            parts.append(f"(?P={gap[1]})")
        else:
            names.add(gap[1])
            parts.append(f"(?P<{gap[1]}>.+?)")
    return re.compile("".join(parts))
