"""The look that all figures share, and bars of what arrived, was late, or was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from demo_app.verification.demo.colours import CUT_SHORT, EDGE, GOOD, INK, KILL
from lab.show import Picture

#: Inches.
WIDTH = 11


def panels(
    height: float, rows: int = 1, columns: int = 1, **shared: Any
) -> tuple[Figure, list[Any]]:
    """A figure with its panels, row by row. height: inches. shared: as for `Figure.subplots`."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid: Any = figure.subplots(rows, columns, squeeze=False, **shared)
    for axes in grid.flat:
        axes.tick_params(labelsize=12)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)


def legend(figure: Figure, *handles: Patch | Line2D) -> None:
    """A legend below the panels."""
    figure.legend(handles=list(handles), loc="outside lower center", ncols=len(handles),
                  frameon=False, fontsize=12)  # fmt: skip


def mark(label: str, color: str, marker: str, **style: Any) -> Line2D:
    """A point for the legend."""
    return Line2D([], [], color=color, marker=marker, linestyle="", label=label, **style)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. late: a worker or a list still holds the job. note: printed at its end."""

    name: str
    arrived: int
    late: int
    lost: int
    note: str = ""


def bars_picture(bars: Sequence[Bar], what: str, words: str, arrived: str = "arrived") -> Picture:
    """The bars, the first one at the top.

    what: what is counted. words: the text equivalent. arrived: the legend's word for the good part.
    """
    parts = {
        "arrived": Patch(facecolor=GOOD, edgecolor="white", label=arrived),
        "late": Patch(facecolor=CUT_SHORT, hatch="//", edgecolor="white",
                      label="late: held until a timeout"),
        "lost": Patch(facecolor=KILL, hatch="xx", edgecolor="white", label="lost"),
    }  # fmt: skip
    figure, (axes,) = panels(1.8 + 0.6 * len(bars))
    for row, bar in enumerate(bars):
        left = 0
        for name, look in parts.items():
            count = getattr(bar, name)
            axes.barh(row, count, left=left, height=0.62, color=look.get_facecolor(),
                      hatch=look.get_hatch(), edgecolor="white")  # fmt: skip
            if count:
                axes.annotate(str(count), (left + count / 2, row), ha="center", va="center",
                              fontsize=15, fontweight="bold", color=INK,
                              bbox={"facecolor": "white", "edgecolor": EDGE,
                                    "boxstyle": "round,pad=0.25"})  # fmt: skip
            left += count
        axes.annotate(f"  {bar.note}", (left, row), va="center", fontsize=14, color=INK)
    longest = max(bar.arrived + bar.late + bar.lost for bar in bars)
    axes.set_yticks(range(len(bars)), [bar.name for bar in bars], fontsize=14)
    axes.invert_yaxis()
    axes.set_xlim(0, longest * (1.25 if any(bar.note for bar in bars) else 1.02))
    axes.set_xlabel(what, fontsize=13)
    axes.set_xticks(range(0, longest + 1, max(1, longest // 6)))
    used = [name for name in parts if name != "late" or any(bar.late for bar in bars)]
    legend(figure, *(parts[name] for name in used))
    return Picture.of(figure, words)
