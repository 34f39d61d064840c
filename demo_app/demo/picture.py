"""The timeline as a picture: each row is a job, and time runs from left to right.

Waiting is pale, and running is solid. A delivery is a dot, a failed try is a diamond, and a job
that is given up has a cross. A kill is a dashed line, with a thick red line at each interrupted
run. Dotted lines mark rescues. A long time without events before a rescue is shortened.
"""

import pickle
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from demo_app.broker.fold import JobRecord
from demo_app.demo.colours import CUT_SHORT, DELIVERED, EDGE, INK, KILL, RUNNING, WAITING
from demo_app.demo.timeline import LATER, Kill, Timeline

#: A function that translates a sentence and fills in its values.
Translate = Callable[..., str]


def draw(
    timeline: Timeline, kills: Sequence[Kill], *, title: str = "", translate: Translate = str.format
) -> Figure:
    count = max(1, len(timeline.jobs))
    height = min(9.0, max(3.4, 1.6 + 0.16 * count))
    figure = Figure(figsize=(11.0, height), layout="constrained")
    axes = figure.add_subplot()
    moments = _moments(timeline, kills)
    now = moments[-1]
    died = {kill.worker: kill.at for kill in kills}
    for row, job in enumerate(timeline.jobs, 1):
        _draw_job(axes, row, job, timeline.start, now, died)
    for kill in kills:
        axes.axvline(kill.at - timeline.start, color=KILL, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_ylim(count + 0.8, 0.2)
    margin = 0.01 * (now - timeline.start)
    axes.set_xlim(-margin, now - timeline.start + margin or 1.0)
    _shorten(axes, _idle_waits(timeline, moments))
    axes.set_xlabel(translate("seconds since the first comment"), fontsize=12)
    axes.set_ylabel(translate("jobs, in their order"), fontsize=12)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.tick_params(labelsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    rows = _name_the_moments(axes, timeline, kills, translate)
    title = title or describe(timeline, kills, translate)
    axes.set_title(title, loc="left", fontsize=13, wrap=True, pad=8 + 15 * rows)
    look: dict[str, Any] = {"frameon": False, "fontsize": 11, "columnspacing": 1.4}
    figure.legend(handles=_legend(timeline, translate), loc="outside lower center", ncols=6, **look)
    return figure


def _moments(timeline: Timeline, kills: Sequence[Kill]) -> list[float]:
    """Return the times of all events in the picture (seconds since the epoch), in order."""
    moments = {timeline.start, *(kill.at for kill in kills)}
    for job in timeline.jobs:
        moments |= {job.enqueued, job.since}
        moments |= {at for run in job.runs for at in (run.began, run.ended) if at}
    return sorted(moments)


def _idle_waits(timeline: Timeline, moments: Sequence[float]) -> list[tuple[float, float]]:
    """Return the start and end of each idle wait (seconds since `timeline.start`).

    An idle wait is a long time without any event, within a run that ended with a rescue.
    """
    rescues = [run for job in timeline.jobs for run in job.deaths]
    now = moments[-1]
    return [
        (left - timeline.start, right - timeline.start)
        for left, right in pairwise(moments)
        if right - left > _LONG * (now - timeline.start)
        and any(run.began <= left and right <= (run.ended or now) for run in rescues)
    ]


#: Limit of the rows of labels above the picture.
_ROWS = 2
#: _LONG: an idle wait is shortened if it is longer than this share of the time axis.
#: _SHORT: the length of a shortened wait, as a share of the busy time.
_LONG, _SHORT = 0.25, 0.3


def _shorten(axes: Any, waits: list[tuple[float, float]]) -> None:
    if not waits:
        return
    first, last = axes.get_xlim()
    busy = last - first - sum(right - left for left, right in waits)
    short, real, drawn = _SHORT * busy, [first], [0.0]
    for moment in (*(at for wait in waits for at in wait), last):
        is_wait = (real[-1], moment) in waits
        drawn.append(drawn[-1] + (short if is_wait else moment - real[-1]))
        real.append(moment)
    forward, back = partial(np.interp, xp=real, fp=drawn), partial(np.interp, xp=drawn, fp=real)
    axes.set_xscale("function", functions=(forward, back))
    axes.set_xlim(first, last)
    step = float(np.diff(MaxNLocator(8).tick_values(0.0, drawn[-1]))[0])
    ticks = np.arange(0.0, last, step)
    axes.set_xticks([at for at in ticks if not any(a < at < b for a, b in waits)])
    axes.xaxis.set_major_formatter("{x:.3g}")
    axes.minorticks_off()
    for left, right in waits:
        middle, gap = float(forward((left + right) / 2)), 0.08 * short
        axes.axvspan(back(middle - gap), back(middle + gap), color="white", zorder=3)
        for side in (middle - gap, middle + gap):
            axes.plot(back([side - gap / 2, side + gap / 2]), [-0.012, 0.012], color=EDGE,
                      transform=axes.get_xaxis_transform(), clip_on=False, zorder=4)  # fmt: skip


def _name_the_moments(
    axes: Any, timeline: Timeline, kills: Sequence[Kill], translate: Translate
) -> int:
    """Mark rescues. Label kills and rescues if there is room. Return the number of label rows."""
    named = [(kill.at, repr(kill)) for kill in kills]
    for death in timeline.deaths:
        if death.rescued and death.died:
            named.append((death.died, translate("lease expired: rescued")))
            axes.axvline(death.died - timeline.start, color=EDGE, linewidth=1.0, linestyle=":")
    ends: list[float] = []  # by row: the right end of its last label, as a share of the width
    for at, text in sorted(named):
        where = axes.transData.transform((at - timeline.start, 0))
        place = float(axes.transAxes.inverted().transform(where)[0])
        width = sum(0.018 if ord(letter) > 0x2E80 else 0.0088 for letter in text)
        begins = min(place, 1.0 - width)
        row = next((row for row, end in enumerate(ends) if end < begins), len(ends))
        if row == _ROWS:
            continue
        ends[row:] = [begins + width + 0.01, *ends[row + 1 :]]
        axes.text(begins, 1.01, text + "\n" * row, transform=axes.transAxes, fontsize=11, color=INK)
    return len(ends)


def save(folder: Path, timeline: Timeline, kills: Sequence[Kill]) -> list[Path]:
    figure, words = draw(timeline, kills), {"Description": describe(timeline, kills)}
    paths = [folder / "timeline.svg", folder / "timeline.png"]
    for path in paths:
        figure.savefig(path, dpi=144, metadata=words)
    return paths


def describe(timeline: Timeline, kills: Sequence[Kill], translate: Translate = str.format) -> str:
    """Describe the picture in words, for its title and for its text alternative."""

    def count(n: int, one: str, many: str) -> str:
        return translate(one if n == 1 else many, n=n)

    rescued = sum(job.rescued for job in timeline.jobs)
    delivered = sum(job.done is not None for job in timeline.jobs)
    if kills or not timeline.deaths:
        deaths = count(len(kills), "1 kill", "{n} kills")
    else:
        deaths = count(len(timeline.deaths), "1 worker that died", "{n} workers that died")
    given_up = sum(job.given_up is not None for job in timeline.jobs)
    parts = [count(delivered, "1 was delivered", "{n} were delivered")]
    heads = [count(len(timeline.jobs), "1 job", "{n} jobs")]
    failed = _failed_tries(timeline)
    if kills or timeline.deaths or not failed:
        heads.append(deaths)
        lost = "1 lost its worker and was rescued", "{n} lost their worker and were rescued"
        parts.insert(0, count(rescued, *lost))
    if failed:
        parts.append(count(failed, "1 try failed", "{n} tries failed"))
    if given_up:
        parts.append(translate("{n} given up", n=given_up))
    comma = translate(", ")
    return translate("{jobs}: {what}", jobs=comma.join(heads), what=comma.join(parts))


def _failed_tries(timeline: Timeline) -> int:
    return sum(run.how == "retrying" for job in timeline.jobs for run in job.runs)


def _draw_job(
    axes: Any, row: int, job: JobRecord, start: float, now: float, died: dict[str, float]
) -> None:
    cursor = job.enqueued
    for run in job.runs:
        _bar(axes, row, cursor - start, run.began - start, WAITING, 0.5)
        ended = run.ended or now
        if run.how == "rescued":
            dead = min(ended, max(run.began, died.get(run.worker, ended)))
            _bar(axes, row, run.began - start, dead - start, CUT_SHORT, 0.8, hatch="////")
            axes.plot([dead - start] * 2, [row - 0.6, row + 0.6], color=KILL, linewidth=2.4)
            _bar(axes, row, dead - start, ended - start, WAITING, 0.5)
        else:
            _bar(axes, row, run.began - start, ended - start, RUNNING, 0.8)
        if run.how == "retrying":
            axes.plot([ended - start], [row], **_FAILED_TRY)
        cursor = ended
    if job.done is not None:
        axes.plot([job.done - start], [row], "o", color=DELIVERED, markersize=3.5)
    elif job.given_up is not None:
        axes.plot([job.given_up - start], [row], **_GIVEN_UP)
    else:
        _bar(axes, row, cursor - start, now - start, WAITING, 0.5)


_SIGN: dict[str, Any] = {"linestyle": "", "markersize": 7}
_FAILED_TRY = {**_SIGN, "marker": "D", "color": CUT_SHORT, "markeredgecolor": EDGE}
_GIVEN_UP = {**_SIGN, "marker": "X", "color": KILL, "markeredgecolor": DELIVERED}


def _bar(
    axes: Any, row: int, left: float, right: float, color: str, height: float, hatch: str = ""
) -> None:
    style: dict[str, Any] = {"edgecolor": EDGE, "linewidth": 0.4}
    if hatch:
        style = {"edgecolor": "white", "linewidth": 0, "hatch": hatch}
    axes.barh(row, max(0.0, right - left), left=left, height=height, color=color, **style)


def _legend(timeline: Timeline, translate: Translate) -> list[Any]:
    given_up = any(job.given_up is not None for job in timeline.jobs)
    failed = _failed_tries(timeline) > 0
    killed = timeline.deaths or not failed
    kill = [
        Patch(
            facecolor=CUT_SHORT, hatch="////", edgecolor="white", label=translate("run cut short")
        ),
        Line2D([], [], color=KILL, linewidth=2.4, label=translate("worker killed")),
    ]
    return [
        Patch(facecolor=WAITING, edgecolor=EDGE, linewidth=0.6, label=translate("waiting")),
        Patch(color=RUNNING, label=translate("running")),
        *(kill if killed else []),
        *([Line2D([], [], **_FAILED_TRY, label=translate("the try failed"))] * failed),
        Line2D(
            [], [], color=DELIVERED, marker="o", linestyle="", label=translate("mail delivered")
        ),
        *([Line2D([], [], **_GIVEN_UP, label=translate("given up"))] * given_up),
    ]


# draws the picture of a demo that ran without matplotlib; the argument is the demo's folder
if __name__ == "__main__":
    _later = Path(sys.argv[1], LATER)
    for _path in save(_later.parent, *pickle.loads(_later.read_bytes())):
        print(_path)
    _later.unlink()
