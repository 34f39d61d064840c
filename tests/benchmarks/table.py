"""A table of measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from demo_app.markdown import table


def median_and_spread(rates: Sequence[float]) -> list[str]:
    """Two cells: the median, and from the least to the most."""
    return [f"{median(rates):.0f}", f"{min(rates):.0f} to {max(rates):.0f}"]


@dataclass(frozen=True, slots=True)
class Table:
    """What was found. note: what a reader has to know to judge the numbers."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""

    def markdown(self) -> str:
        """The table as Markdown."""
        told = [
            f"**{self.title}**",
            table(self.columns, self.rows),
            *([self.note] * bool(self.note)),
        ]
        return "\n\n".join(told) + "\n"
