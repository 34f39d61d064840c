"""Tables as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: A backslash before a bar would take the bar's own away, and begin another cell.
_BAR = re.compile(r"(\\*)\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], rule: Sequence[str] = ()) -> str:
    """The whole table. rule: how each column is aligned, such as ``---:``; else to the left."""
    lines = [head, rule or ["---"] * len(head), *rows]
    escaped = ([_BAR.sub(r"\1\1\|", cell) for cell in cells] for cells in lines)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)
