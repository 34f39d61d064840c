"""A table of measurements."""

from collections.abc import Mapping
from dataclasses import dataclass

from demo_app.markdown import table


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        note: the conditions of the measurement, for readers.
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""

    def markdown(self) -> str:
        parts = (f"**{self.title}**", table(self.columns, self.rows), self.note)
        return "\n\n".join(filter(None, parts)) + "\n"


def table_by_size(
    title: str, unit: str, found: Mapping[int, Mapping[str, float]], note: str = ""
) -> Table:
    """Return a table of microseconds: a row for each step, and a column for each size.

    Args:
        unit: the format of a column's heading, such as ``"{:,} jobs"``.
    """
    columns = ["microseconds, median", *map(unit.format, found)]
    steps = next(iter(found.values()))
    rows = [[step, *(f"{one[step]:,.0f}" for one in found.values())] for step in steps]
    return Table(title, columns, rows, note)
