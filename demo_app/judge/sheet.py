"""A table of a class: one row for each hand-in, for a person and for a spreadsheet."""

from __future__ import annotations

import csv
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from pathlib import Path

from demo_app.markdown import plain, table
from local_smtp.escape import escape_formulas, one_line

#: How a level that holds, fails, or could not be asked is written.
SIGNS = {True: "✓", False: "✗", None: "–"}
#: So much of a cell is shown: a hand-in may say more than anybody wants to read.
_LONGEST = 2_000


class Sheet:
    """The table; each row is in the file as soon as it is known.

    path: where the file is; None for no file. key: with which each row is signed, in a last
    column. Rows that the file has from an earlier run are kept if their head, their width and
    their signature are right. Raises OSError.
    """

    def __init__(self, head: Sequence[str], path: Path | None = None, key: bytes = b"") -> None:
        self.head, self._path, self._key = list(head), path, key
        self.rows: list[list[str]] = self._kept()
        self._write("w", [self._signed(self.head), *map(self._signed, self.rows)])

    def add(self, cells: Iterable[object]) -> list[str]:
        """Write a row; returns it as it is shown."""
        row = [safe(cell) for cell in cells]
        self.rows.append(row)
        self._write("a", [self._signed(row)])
        return row

    def markdown(self) -> str:
        """The same for a person, in the order of the first column."""
        rule = ["---", *(":---:" for _ in self.head[1:-1]), "---"]
        return table(self.head, (map(plain, row) for row in sorted(self.rows)), rule)

    def _kept(self) -> list[list[str]]:
        if self._path is None or not self._path.exists():
            return []
        with self._path.open(encoding="utf-8", newline="") as file:
            head, *rows = [*csv.reader(file)] or [[]]
        if head != self._signed(self.head):
            raise FileExistsError(17, "it has another table", str(self._path))
        width = len(self.head)
        return [row[:width] for row in rows if row == self._signed(row[:width])]

    def _signed(self, row: list[str]) -> list[str]:
        if not self._key:
            return row
        text = "\x1f".join(row).encode()
        return [*row, hmac.new(self._key, text, hashlib.sha256).hexdigest()]

    def _write(self, mode: str, rows: Iterable[Sequence[str]]) -> None:
        if self._path is not None:
            with self._path.open(mode, encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)


def safe(cell: object) -> str:
    """What somebody handed in, as one line that no terminal obeys and no spreadsheet computes."""
    return escape_formulas(one_line(cell)[:_LONGEST])
