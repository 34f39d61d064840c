"""A recorded power failure: how far the log of Redis was written, and how far it was on the disk.

SIGKILL takes nothing that was given to the operating system; a power failure takes all that the
disk does not have. For the recording each write and each fsync of Redis was noted. After a kill the
log was cut back to its last fsync, and a new Redis read what was left.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from demo_app.demo.colours import CUT_SHORT, EDGE, GOOD, INK, KILL, RUNNING
from lab.figures import drawn, legend, panels
from lab.language import say, sentence
from lab.show import Picture

_RECORDED = Path(__file__).with_name("power.json")
_TITLE = "appendfsync {mode}: {answered:,} jobs answered, {lost:,} lost"


@dataclass(frozen=True, slots=True)
class Failure:
    """One power failure.

    Attributes:
        appendfsync: when Redis waits for the disk.
        answered: jobs that Redis said OK to.
        left: jobs that the next Redis had.
        written: the log as given to the operating system, as (seconds, bytes).
        synced: the log as it was on the disk, as (seconds, bytes).
    """

    appendfsync: str
    answered: int
    left: int
    written: list[tuple[float, int]]
    synced: list[tuple[float, int]]

    @property
    def lost(self) -> int:
        """Jobs that were answered and are gone."""
        return self.answered - self.left


def recorded_power_failures() -> list[Failure]:
    """Return a power failure with `appendfsync always`, and one with `everysec`."""
    return [Failure(**one) for one in json.loads(_RECORDED.read_text("utf-8"))]


def power_picture(failures: Sequence[Failure]) -> Picture:
    """How far the log was written, and how far it was on the disk, up to the power failure."""
    figure, grid = panels(4.4, 1, len(failures), sharex=True, sharey=True)
    sentences = []
    for axes, one in zip(grid, failures, strict=True):
        end = one.written[-1][0]
        on_disk: Any = [(0, 0), *one.synced, (end, one.synced[-1][1] if one.synced else 0)]
        for points, look in ((one.written, {"color": RUNNING, "linestyle": "--"}),
                             (on_disk, {"color": GOOD})):  # fmt: skip
            at, size = [at for at, _ in points], [size / 1000 for _, size in points]
            axes.plot(at, size, drawstyle="steps-post", linewidth=2.4, **look)
        axes.axvline(end, color=KILL, linewidth=2, linestyle=(0, (4, 3)))
        if one.lost:
            since, size = on_disk[-2]
            late = [(at, written) for at, written in one.written if at >= since]
            axes.fill_between([at for at, _ in late], size / 1000, [n / 1000 for _, n in late],
                              step="post", facecolor=CUT_SHORT, edgecolor=EDGE, hatch="//",
                              alpha=0.5, linewidth=0)  # fmt: skip
        told: Any = {"mode": one.appendfsync, "answered": one.answered, "lost": one.lost}
        axes.set_title(drawn(_TITLE, **told), fontsize=13, loc="left", color=INK)
        axes.set_xlabel(drawn("seconds"), fontsize=12)
        sentences.append(say(_TITLE, **told))
    grid[0].set_ylim(bottom=0)  # when all is drawn: the panels share it
    grid[0].set_ylabel(drawn("the log, in kilobytes"), fontsize=12)
    legend(
        figure,
        Line2D([], [], color=RUNNING, linestyle="--", label=drawn("written (Redis said OK)")),
        Line2D([], [], color=GOOD, label=drawn("on the disk")),
        Line2D([], [], color=KILL, linestyle=(0, (4, 3)), label=drawn("the power fails")),
        Patch(facecolor=CUT_SHORT, edgecolor=EDGE, hatch="//", alpha=0.5, label=drawn("lost")),
    )
    return Picture.of(figure, say("Recorded on another machine. ") + sentence(sentences))
