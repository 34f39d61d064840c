"""Write the glossaries ``words.md`` and ``ja/words.md``: ``python -m notebooks.words`` in
``tests``.

They have every word of the tables "Words learnt" of the lessons.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from notebooks.kernels import NOTEBOOKS
from notebooks.lesson import JAPANESE

_HEADING = re.compile(r"^## (?:Words learnt|学んだ用語)\n", re.M)
_ROW = re.compile(r"^\| (?!word \||英語 \||---)(.+?) \| (.+?) \| (.+?) \|$", re.M)


@dataclass(frozen=True, slots=True)
class Word:
    """A glossary entry, for one or several related words.

    Attributes:
        lessons: numbers of the lessons that explain the words, such as "00".
    """

    word: str
    japanese: str
    means: str
    lessons: tuple[str, ...]


def words(folder: Path = NOTEBOOKS) -> list[Word]:
    """Return all words in alphabetical order, each with the meaning in its first lesson.

    Args:
        folder: the folder of the English or the Japanese lessons.
    """
    found: dict[str, Word] = {}
    for path in sorted(folder.glob("[0-9]*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            _, *table = _HEADING.split("".join(cell["source"]))
            for word, japanese, means in _ROW.findall("".join(table)):
                known = found.get(word, Word(word, japanese, means, ()))
                lessons = (*known.lessons, path.stem[:2])
                found[word] = Word(word, known.japanese, known.means, lessons)
    return sorted(found.values(), key=lambda word: word.word.lower())


def page(folder: Path = NOTEBOOKS) -> str:
    """Return the glossary as Markdown, in the language of the folder's lessons."""
    lines = ["# Words", "", "The last column names the lesson that explains the word.", ""]
    lines += ["| word | in Japanese | means | lesson |", "| --- | --- | --- | --- |"]
    lesson, comma = "lesson", ", "
    if folder == JAPANESE:
        lines = ["# 用語集", "", "最後の列は、その用語を説明しているレッスンです。", ""]
        lines += ["| 英語 | 日本語 | 意味 | レッスン |", "| --- | --- | --- | --- |"]
        lesson, comma = "レッスン", "、"
    for entry in words(folder):
        lessons = comma.join(entry.lessons)
        lines.append(f"| {entry.word} | {entry.japanese} | {entry.means} | {lesson} {lessons} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    for folder in (NOTEBOOKS, JAPANESE):
        (folder / "words.md").write_text(page(folder), "utf-8")
