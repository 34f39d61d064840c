"""Markdown tables."""

import re
from collections.abc import Iterable, Sequence

#: A bar and the backslashes before it. If only the bar were escaped, ``\|`` would become ``\\|``:
#: an escaped backslash, and a bar that ends the cell.
_BAR = re.compile(r"(\\*)\|")


def plain(cell: str) -> str:
    """Escape HTML, links and pictures in a cell, since users may have written its text."""
    return cell.replace("<", "&lt;").replace("](", "]&#40;")


def table(head: Sequence[str], rows: Iterable[Iterable[str]], rule: Sequence[str] = ()) -> str:
    """Return a Markdown table. The bars in its cells are escaped.

    Args:
        rule: the alignment of each column, such as ``---:`` for right; () aligns all to the left.
    """
    lines = [head, rule or ["---"] * len(head), *rows]
    escaped = ([_BAR.sub(r"\1\1\|", cell) for cell in cells] for cells in lines)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)
