"""List the cells of Japanese lessons and challenges that are older than their English originals.

``python -m notebooks.japanese``, in ``tests``, prints them. After a translator has checked each
cell of a lesson, ``--accept 04_kill_the_worker`` marks the lesson as up to date.
"""

import argparse
import hashlib
import re
from typing import Any

import nbformat
from notebooks.lesson import JAPANESE, english, japanese

_ENGLISH_MINUTES, _MINUTES = re.compile(r"bout (\d+) minutes?\b"), re.compile(r"約 \d+ 分")
#: Paths without the suffix, such as "challenges/05_a_worker_is_killed".
TRANSLATED = sorted(
    path.relative_to(JAPANESE).with_suffix("").as_posix()
    for pattern in ("[0-9]*.ipynb", "challenges/[0-9]*.ipynb")
    for path in JAPANESE.glob(pattern)
)


def _marks(notebook: Any) -> dict[str, str]:
    """Return the hash of each prose cell by its id. The translation of the cell stores the hash."""
    prose = (cell for cell in notebook.cells if cell.cell_type == "markdown")
    return {cell.id: hashlib.sha256(cell.source.encode()).hexdigest()[:16] for cell in prose}


def behind(original: Any, translation: Any) -> list[str]:
    """Return the first words of each English cell whose translation is outdated."""
    translated = {cell.id: cell.metadata.get("translates") for cell in translation.cells}
    outdated = [name for name, mark in _marks(original).items() if translated.get(name) != mark]
    return [" ".join(c.source.split()[:8]) for c in original.cells if c.id in outdated]


def accept(original: Any, translation: Any) -> None:
    marks = _marks(original)
    for cell in translation.cells:
        cell.metadata = {"translates": marks[cell.id]} if cell.id in marks else {}


def take_over_minutes(before: Any, after: Any, translation: Any) -> None:
    """Copy the new minutes of an English lesson into its translation. Mark the cells as up to date.

    Cells whose translation was outdated before the change are not changed.

    Args:
        before: the English lesson with the old minutes.
        after: the English lesson with the new minutes.
    """
    old, new = _marks(before), _marks(after)
    output = {cell.id: _ENGLISH_MINUTES.findall(cell.source) for cell in after.cells}
    for cell in translation.cells:
        minutes = iter(output.get(cell.id, ()))
        if cell.metadata.get("translates") == old.get(cell.id) != new.get(cell.id):
            cell.source = _MINUTES.sub(lambda _: f"約 {next(minutes)} 分", cell.source)  # noqa: B023
            cell.metadata["translates"] = new[cell.id]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m notebooks.japanese", description=__doc__)
    parser.add_argument("--accept", metavar="LESSON", choices=TRANSLATED)
    if lesson := parser.parse_args().accept:
        translation = japanese(lesson)
        accept(english(lesson), translation)
        nbformat.write(translation, JAPANESE / f"{lesson}.ipynb")  # type: ignore[no-untyped-call]
    for lesson in TRANSLATED:
        for words in behind(english(lesson), japanese(lesson)):
            print(f"{lesson}: {words} …")
