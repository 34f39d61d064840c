"""How long readers waited: a picture, with percentiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy import percentile

from demo_app.demo.colours import DELIVERED, INK, KILL, RUNNING
from lab.figures import drawn, panels
from lab.language import say, sentence
from lab.lifecycle import Posted
from lab.show import Picture, seconds


def response_times(**runs: Sequence[Posted]) -> Picture:
    """Each answer as a dot, one row per run, with the median (p50) and p99 marked."""
    figure, (axes,) = panels(1.6 + 1.3 * len(runs))
    longest = max(posted.took for posts in runs.values() for posted in posts)
    names = [name.replace("_", " ") for name in runs]
    sentences = []
    for row, (name, posts) in enumerate(zip(names, runs.values(), strict=True)):
        values = [posted.took for posted in posts]
        spread = [row + 0.26 * ((n * 7) % 11 - 5) / 5 for n in range(len(values))]
        axes.plot(values, spread, "o", color=RUNNING, markersize=6, alpha=0.6)
        p50, p99 = map(float, percentile(values, (50, 99)))
        # p50's label is above and p99's below, so that they never meet
        for share, at, color, style, end, va in (
            (50, p50, DELIVERED, "-", row - 0.34, "bottom"),
            (99, p99, KILL, "--", row + 0.34, "top"),
        ):
            axes.plot([at, at], [row - 0.3, row + 0.3], style, color=color, linewidth=2.6)
            axes.annotate(f"p{share}: {seconds(at)}", (at, end), fontsize=14, color=INK, va=va,
                          ha="right" if at > 0.85 * longest else "left")  # fmt: skip
        told: Any = {"p50": seconds(p50), "p99": seconds(p99), "n": len(values)}
        sentences.append(say("{name}: p50 {p50}, p99 {p99}, {n} answers", name=say(name), **told))
    axes.set_yticks(range(len(runs)), list(map(drawn, names)), fontsize=14)
    axes.set_ylim(len(runs) - 0.35, -0.65)
    axes.set_xlim(left=0)
    axes.set_xlabel(drawn("seconds that a reader waited"), fontsize=13)
    return Picture.of(figure, say("Response times. ") + sentence(sentences))
