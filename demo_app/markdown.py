"""Tables as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: A backslash before a bar would take the bar's own away, and begin another cell.
_BAR = re.compile(r"(\\*)\|")


def plain(cell: str) -> str:
    """A cell of which no page makes HTML, a link or a picture: somebody else wrote it."""
    return cell.replace("<", "&lt;").replace("](", "]&#40;")


def table(head: Sequence[str], rows: Iterable[Iterable[str]], rule: Sequence[str] = ()) -> str:
    """The whole table. rule: how each column is aligned, such as ``---:``; else to the left."""
    lines = [head, rule or ["---"] * len(head), *rows]
    escaped = ([_BAR.sub(r"\1\1\|", cell) for cell in cells] for cells in lines)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)
