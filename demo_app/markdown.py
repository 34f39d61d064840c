"""Tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]], rule: Sequence[str] = ()) -> str:
    """The whole table. rule: how each column is aligned, such as ``---:``; else to the left."""
    return "\n".join(map(line, [head, rule or ["---"] * len(head), *rows]))


def line(cells: Sequence[str]) -> str:
    """A row."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
