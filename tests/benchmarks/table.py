"""A table of measurements, for a terminal, a README, or a program."""

from __future__ import annotations

from dataclasses import dataclass

from demo_app.markdown import table


@dataclass(frozen=True, slots=True)
class Table:
    """What one benchmark found. note: what a reader has to know to judge the numbers."""

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
