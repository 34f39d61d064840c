"""A power failure that is seen: Redis is killed, and its log cut back to what was on the disk.

SIGKILL takes nothing that was given to the operating system; a power failure takes all that the
disk does not have. So a small library in C, `synced.c`, is loaded into Redis. It writes down each
write and each fsync of Redis' log. After the kill the log is cut where the last fsync began, and a
new Redis reads what is left.

``python -m lab.power``, in ``notebooks``, records a run for machines that can't do this.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from demo_app.broker.connection import connect
from demo_app.demo.colours import CUT_SHORT, EDGE, GOOD, INK, KILL, RUNNING
from demo_app.stack.options import Options
from demo_app.stack.redis_server import running
from lab.figures import drawn, legend, panels
from lab.language import say, sentence
from lab.progress import Progress
from lab.show import Picture

_SOURCE = Path(__file__).with_name("synced.c")
_RECORDED = Path(__file__).with_name("power.json")
#: The power fails so many seconds after an fsync, which is a bad moment and no rare one.
_BAD_MOMENT = 0.8
#: How many jobs are put in between two looks at the log, and how many moments are drawn.
_BATCH, _DRAWN = 20, 80
#: After so many jobs the library has written something down, if it is there.
_UNSEEN = 500
_TITLE = "appendfsync {mode}: {answered:,} jobs answered, {lost:,} lost"


@dataclass(frozen=True, slots=True)
class Failure:
    """One power failure.

    answered: how many jobs Redis said OK to. left: how many the next Redis has. written, synced:
    the log, given to the operating system and on the disk, as (seconds, bytes).
    """

    appendfsync: str
    answered: int
    left: int
    written: list[tuple[float, int]]
    synced: list[tuple[float, int]]
    recorded: bool = False

    @property
    def lost(self) -> int:
        """Jobs that were answered and are gone."""
        return self.answered - self.left


class _CannotSee(Exception):
    """It can't be done on this machine; says why."""


def power_failures(*modes: str) -> list[Failure]:
    """The power fails under each setting of appendfsync, while jobs are put in one by one.

    Where that can't be done, it says so in a sentence and returns a run that was recorded.
    """
    with Progress("the power failures"), tempfile.TemporaryDirectory(prefix="demo-power-") as name:
        folder = Path(name)
        try:
            library = _library(folder)
            return [_fail(folder / mode, mode, library) for mode in modes]
        except _CannotSee as error:
            told = "{why} Here is a run that was recorded on another machine."
            print(say(told, why=say(str(error))))
    runs = {one["appendfsync"]: Failure(**one) for one in json.loads(_RECORDED.read_text("utf-8"))}
    return [runs[mode] for mode in modes]


def _library(folder: Path) -> Path:
    """The compiled library. Raises _CannotSee."""
    if sys.platform != "linux":
        raise _CannotSee("This needs Linux.")
    compiler, library = shutil.which("cc") or shutil.which("gcc"), folder / "synced.so"
    if compiler is None:
        raise _CannotSee("This machine has no C compiler.")
    order = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl"]
    try:
        subprocess.run(order, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        raise _CannotSee("The C compiler of this machine can't build the library.") from None
    return library


def _fail(folder: Path, mode: str, library: Path) -> Failure:
    folder.mkdir()
    notes, options = folder / "notes", Options.model_validate({"appendfsync": mode})
    environment = {**os.environ, "LD_PRELOAD": str(library), "SYNCED_LOG": str(notes)}
    with running(folder, options, environment) as url, connect(url) as redis:
        answered = 0
        server = psutil.Process(redis.info("server")["process_id"])
        while not (_is_bad_moment(notes, mode) and _stays_one(server, notes, mode)):
            for _ in range(_BATCH):
                answered = redis.lpush("queue", f"job {answered + 1:06}")
            if answered > _UNSEEN and not notes.exists():
                raise _CannotSee("This Redis does not load the library.")
        server.kill()
    (log,) = (folder / "appendonlydir").glob("*.incr.aof")
    lines = [line.split() for line in notes.read_text().splitlines()]
    synced = max((int(size) for what, _, size in lines if what == "s"), default=0)
    os.truncate(log, synced)
    with running(folder, options) as url, connect(url) as redis:
        left = redis.llen("queue")
    began = float(lines[0][1])
    written, disk = (
        [(round(float(at) - began, 4), int(size)) for what, at, size in lines if what == kind]
        for kind in "ws"
    )
    return Failure(mode, answered, left, _thinned(written), _thinned(disk))


def _is_bad_moment(notes: Path, mode: str) -> bool:
    """Whether jobs were put in for two seconds, and the last fsync of `everysec` is a while ago."""
    lines = [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []
    if not lines or float(lines[-1][1]) - float(lines[0][1]) < 2:
        return False
    synced = [float(at) for what, at, _ in lines if what == "s"]
    return mode == "always" or not synced or float(lines[-1][1]) - synced[-1] >= _BAD_MOMENT


def _stays_one(server: psutil.Process, notes: Path, mode: str) -> bool:
    """Stop the server in that moment; it goes on if an fsync came between the look and the stop."""
    server.suspend()
    while server.status() != psutil.STATUS_STOPPED:
        time.sleep(0.001)
    stays = _is_bad_moment(notes, mode)
    if not stays:
        server.resume()
    return stays


def _thinned(moments: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Some of the moments, the last one among them."""
    return moments[:: max(1, len(moments) // _DRAWN)] + moments[-1:]


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
    how = say("Recorded on another machine. ") if any(one.recorded for one in failures) else ""
    return Picture.of(figure, how + sentence(sentences))


if __name__ == "__main__":
    found = [{**asdict(one), "recorded": True} for one in power_failures("always", "everysec")]
    _RECORDED.write_text(json.dumps(found) + "\n", "utf-8")
