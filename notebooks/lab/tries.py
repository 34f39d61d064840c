"""Tries of jobs over time: the herd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from matplotlib.ticker import MaxNLocator

from demo_app.demo.colours import EDGE, RUNNING
from demo_app.demo.timeline import Timeline
from lab.figures import drawn, panels
from lab.language import say, sentence
from lab.show import Picture

#: Seconds that count as one moment.
_WIDTH = 0.1


def in_tenths(seen: Timeline, names: Mapping[str, str]) -> dict[str, Counter[int]]:
    """How many tries after the first began in each tenth of a second since the start.

    names: of each job's task, by the job's id. Returns a count for each name.
    """
    found = {name: Counter[int]() for name in sorted({*names.values()})}
    for job in (job for job in seen.jobs if job.id in names):
        found[names[job.id]].update(int((run.began - seen.start) / _WIDTH) for run in job.runs[1:])
    return found


def herd_picture(**tries: Counter[int]) -> Picture:
    """How many tries there were in each tenth of a second, one panel per task."""
    figure, grid = panels(4.6, len(tries), sharex=True, sharey=True)
    sentences = []
    for axes, (name, counts) in zip(grid, tries.items(), strict=True):
        label = name.replace("_", " ")
        axes.bar([n * _WIDTH for n in counts], list(counts.values()), width=_WIDTH, align="edge",
                 color=RUNNING, edgecolor=EDGE)  # fmt: skip
        axes.set_title(drawn(label), loc="left", fontsize=14)
        axes.set_ylabel(drawn("tries in a\ntenth of a second"), fontsize=12)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        told, most = "{label}: at most {n} tries in a tenth of a second", max(counts.values())
        sentences.append(say(told, label=say(label), n=most))
    grid[0].set_xlim(left=0)  # when all is drawn: the panels share it
    grid[-1].set_xlabel(drawn("seconds since the service went down"), fontsize=12)
    return Picture.of(figure, sentence(sentences))
