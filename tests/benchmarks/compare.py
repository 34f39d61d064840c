"""This run beside an earlier one: which numbers changed by more than the machine's own noise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from benchmarks.table import Table

#: The share by which numbers differ between two runs of the same code, where no table says more.
NOISE = 0.15
_NUMBER = re.compile(r"[\d,]+(\.\d+)?")
_SPREAD = re.compile(r"([\d,.]+) to ([\d,.]+)")

Key = tuple[str, str, str]


def compare(before: Sequence[Table], now: Sequence[Table]) -> Table:
    """The numbers that both runs have and that differ by more than noise.

    Noise is the widest spread, as a share, that a table of either run tells of, and at least NOISE.
    """
    noise = max([NOISE, *(width for table in (*before, *now) for width in _spreads(table))])
    old, new = dict(_numbers(before)), dict(_numbers(now))
    both = [key for key in new if key in old and old[key] > 0 and new[key] > 0]
    rows = []
    for key in both:
        ratio = new[key] / old[key]
        if max(ratio, 1 / ratio) > 1 + noise:
            rows.append([*key, f"{old[key]:,g}", f"{new[key]:,g}", f"{ratio:.2f}"])
    columns = ["table", "row", "column", "before", "now", "ratio"]
    note = f"{len(both) - len(rows)} of {len(both)} numbers differ by less than {noise:.0%}: noise."
    return Table("Changed since the last run", columns, rows, note)


def _numbers(tables: Sequence[Table]) -> Iterator[tuple[Key, float]]:
    for table in tables:
        for row in table.rows:
            for column, cell in zip(table.columns[1:], row[1:], strict=True):
                if _NUMBER.fullmatch(cell):
                    yield (table.title, row[0], column), float(cell.replace(",", ""))


def _spreads(table: Table) -> Iterator[float]:
    for row in table.rows:
        for cell in row:
            found = _SPREAD.fullmatch(cell)
            if found:
                low, high = (float(number.replace(",", "")) for number in found.groups())
                if low > 0:
                    yield high / low - 1
