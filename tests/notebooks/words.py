"""The glossary: every word of the lessons' "Words learnt", in one table.

``python -m notebooks.words`` in ``tests`` writes it into ``words.md``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from notebooks.kernels import NOTEBOOKS

PAGE = NOTEBOOKS / "words.md"
_ROW = re.compile(r"^\| (?!word \||---)(.+?) \| (.+?) \| (.+?) \|$", re.M)


@dataclass(frozen=True, slots=True)
class Word:
    """One word, or some that belong together. lessons: those that teach it, such as "00"."""

    word: str
    japanese: str
    means: str
    lessons: tuple[str, ...]


def words() -> list[Word]:
    """All of them, from a to z; the meaning is that of the first lesson that explains it."""
    found: dict[str, Word] = {}
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            _, learnt, table = "".join(cell["source"]).partition("## Words learnt\n")
            for word, japanese, means in _ROW.findall(table if learnt else ""):
                known = found.get(word, Word(word, japanese, means, ()))
                lessons = (*known.lessons, path.stem[:2])
                found[word] = Word(word, known.japanese, known.means, lessons)
    return sorted(found.values(), key=lambda word: word.word.lower())


def page() -> str:
    """The glossary as Markdown."""
    lines = ["# Words", "", "The last column says which lessons explain it.", ""]
    lines += ["| word | in Japanese | means | lesson |", "| --- | --- | --- | --- |"]
    for one in words():
        lessons = ", ".join(one.lessons)
        lines.append(f"| {one.word} | {one.japanese} | {one.means} | lesson {lessons} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
