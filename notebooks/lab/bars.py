"""What became of so many mails, as bars: arrived, late, lost; one bar a way to run jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from demo_app.verification.demo.colours import CUT_SHORT, EDGE, GOOD, INK, KILL
from lab.show import Picture


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. late: somebody holds the job still. note: stands at the end of the bar."""

    name: str
    arrived: int
    late: int
    lost: int
    note: str = ""


def bars_picture(bars: Sequence[Bar], what: str, words: str) -> Picture:
    """The bars, the first one at the bottom; what: stands below them. words: its equivalent."""
    figure = Figure(figsize=(11, 1.8 + 0.6 * len(bars)), layout="constrained")
    axes = figure.add_subplot()
    for row, bar in enumerate(bars):
        left = 0
        for count, color, hatch in (
            (bar.arrived, GOOD, ""),
            (bar.late, CUT_SHORT, "//"),
            (bar.lost, KILL, "xx"),
        ):
            axes.barh(row, count, left=left, height=0.62, color=color, hatch=hatch,
                      edgecolor="white")  # fmt: skip
            if count:
                axes.annotate(str(count), (left + count / 2, row), ha="center", va="center",
                              fontsize=15, fontweight="bold", color=INK,
                              bbox={"facecolor": "white", "edgecolor": EDGE,
                                    "boxstyle": "round,pad=0.25"})  # fmt: skip
            left += count
        axes.annotate(f"  {bar.note}", (left, row), va="center", fontsize=14, color=INK)
    longest = max(bar.arrived + bar.late + bar.lost for bar in bars)
    axes.set_yticks(range(len(bars)), [bar.name for bar in bars], fontsize=14)
    axes.set_xlim(0, longest * (1.25 if any(bar.note for bar in bars) else 1.02))
    axes.set_xlabel(what, fontsize=13)
    axes.set_xticks(range(0, longest + 1, max(1, longest // 6)))
    axes.tick_params(axis="x", labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    handles = [Patch(facecolor=GOOD, label="arrived")]
    if any(bar.late for bar in bars):
        handles.append(Patch(facecolor=CUT_SHORT, hatch="//", edgecolor="white",
                             label="late: held until a timeout"))  # fmt: skip
    handles.append(Patch(facecolor=KILL, hatch="xx", edgecolor="white", label="lost"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=13)
    return Picture.of(figure, words)
