"""How long readers waited: percentiles, and their picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from demo_app.story.colours import DELIVERED, INK, KILL, RUNNING
from lab.show import Picture, seconds

if TYPE_CHECKING:
    from lab.running import Posted


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so many per cent of the values do not exceed (the nearest-rank method)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100).__int__() - 1)]


def waits(posts: Sequence[Posted]) -> list[float]:
    """How many seconds each reader waited for the answer."""
    return [posted.took for posted in posts]


def response_times(**runs: Sequence[Posted]) -> Picture:
    """Each answer as a dot, one row a run, with the median (p50) and p99 marked."""
    figure = Figure(figsize=(11, 1.4 + 1.1 * len(runs)), layout="constrained")
    axes = figure.add_subplot()
    told = []
    for row, (name, posts) in enumerate(runs.items()):
        values = waits(posts)
        spread = [row + 0.28 * ((n * 7) % 11 - 5) / 5 for n in range(len(values))]
        axes.plot(values, spread, "o", color=RUNNING, markersize=5, alpha=0.6)
        for share, color, style, side in ((50, DELIVERED, "-", "right"), (99, KILL, "--", "left")):
            at = percentile(values, share)
            axes.plot([at, at], [row - 0.42, row + 0.42], style, color=color, linewidth=2.4)
            axes.annotate(f"p{share} {seconds(at)}", (at, row - 0.44), fontsize=13, color=INK,
                          ha=side, va="bottom")  # fmt: skip
        p50, p99 = percentile(values, 50), percentile(values, 99)
        label = name.replace("_", " ")
        told.append(f"{label}: p50 {seconds(p50)}, p99 {seconds(p99)}, {len(values)} answers")
    axes.set_yticks(range(len(runs)), [name.replace("_", " ") for name in runs], fontsize=13)
    axes.set_ylim(len(runs) - 0.4, -0.85)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value)))
    axes.xaxis.set_minor_formatter("")
    axes.tick_params(axis="x", labelsize=12)
    axes.set_xlabel("how long a reader waited", fontsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    return Picture.of(figure, "Response times. " + "; ".join(told) + ".")
