"""A table whose rows are written to a CSV file as soon as each is known."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from local_smtp.escape import escape_formulas, one_line

#: How a level that holds, fails, or could not be asked is written.
SIGNS = {True: "✓", False: "✗", None: "–"}
#: Characters of a cell that are kept.
_LONGEST = 2_000


class Sheet:
    """Table of strings. A file at `path` is replaced; None writes no file. Raises OSError."""

    def __init__(self, head: Sequence[str], path: Path | None = None) -> None:
        self._path = path
        self.rows: list[list[str]] = []
        self._write("w", head)

    def add(self, cells: Iterable[object]) -> list[str]:
        """Write a row and return its cells: each one line, and none a formula in a spreadsheet."""
        row = [escape_formulas(one_line(cell)[:_LONGEST]) for cell in cells]
        self.rows.append(row)
        self._write("a", row)
        return row

    def _write(self, mode: str, row: Sequence[str]) -> None:
        if self._path is not None:
            with self._path.open(mode, encoding="utf-8", newline="") as file:
                csv.writer(file).writerow(row)
