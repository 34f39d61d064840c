"""How long readers waited: percentiles, and their picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from demo_app.verification.demo.colours import DELIVERED, INK, KILL, RUNNING
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
    figure = Figure(figsize=(11, 1.6 + 1.3 * len(runs)), layout="constrained")
    axes = figure.add_subplot()
    longest = max(max(waits(posts)) for posts in runs.values())
    told = []
    for row, (name, posts) in enumerate(runs.items()):
        values = waits(posts)
        spread = [row + 0.26 * ((n * 7) % 11 - 5) / 5 for n in range(len(values))]
        axes.plot(values, spread, "o", color=RUNNING, markersize=6, alpha=0.6)
        for share, color, style, up in ((50, DELIVERED, "-", True), (99, KILL, "--", False)):
            at, end = percentile(values, share), row + (-0.34 if up else 0.34)
            axes.plot([at, at], [row - 0.3, row + 0.3], style, color=color, linewidth=2.6)
            # one above and one below, so that they never meet; and never out of the picture
            axes.annotate(f"p{share}: {seconds(at)}", (at, end), fontsize=14, color=INK,
                          ha="right" if at > 0.85 * longest else "left",
                          va="bottom" if up else "top")  # fmt: skip
        p50, p99 = percentile(values, 50), percentile(values, 99)
        label = name.replace("_", " ")
        told.append(f"{label}: p50 {seconds(p50)}, p99 {seconds(p99)}, {len(values)} answers")
    axes.set_yticks(range(len(runs)), [name.replace("_", " ") for name in runs], fontsize=14)
    axes.set_ylim(len(runs) - 0.35, -0.65)
    axes.set_xlim(left=0)
    axes.tick_params(axis="x", labelsize=12)
    axes.set_xlabel("seconds that a reader waited", fontsize=13)
    axes.spines[["top", "right"]].set_visible(False)
    return Picture.of(figure, "Response times. " + "; ".join(told) + ".")
