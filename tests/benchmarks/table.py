"""A table of measurements, for a terminal, a README, or a program."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """What one benchmark found. note: what a reader has to know to judge the numbers."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""

    def markdown(self) -> str:
        """The table as Markdown."""
        lines = [f"**{self.title}**", "", _row(self.columns), _row(["---"] * len(self.columns))]
        lines += [_row(row) for row in self.rows]
        return "\n".join([*lines, "", self.note] if self.note else lines) + "\n"

    def as_json(self) -> dict[str, Any]:
        """The table for a program."""
        return asdict(self)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
