"""What a learner may do to a lesson: stop its cells, and run them again in any order."""

from __future__ import annotations

import json
import threading

from notebooks.kernels import CellFailed, Kernel, Output, kernel
from notebooks.lesson import run_lesson
from notebooks.minutes import SECONDS
from support import until

#: A cell that took longer waits for something, and is worth an interrupt. Seconds.
_WAITS = 0.3
#: Seconds after which a cell is interrupted at the latest: in its middle, or deep enough in it.
_LATEST = 2.0
#: A cell that took less is run again after all later cells of its section. Seconds.
_CHEAP = 2.0
#: Within so many seconds a cell that is run again has ended, or said what to do.
_BOUND = 60.0


def survives_everything(lesson: str, wrong: dict[str, list[str]]) -> None:
    """The lesson runs from top to bottom, where each cell that waits is first interrupted in its
    middle, and each section ends with a look back: see `_look_back`. Afterwards nothing is left.

    wrong: for each exercise, code that sets ``answer`` to something that a learner might say.
    """
    with kernel() as here:
        learner = _Restless(here, lesson)
        run_lesson(here, lesson, wrong, learner.run)
        learner.has_interrupted()
        here.nothing_is_left()


class _Restless:
    """Runs one cell after the other, but not before trying what else can be done."""

    def __init__(self, here: Kernel, lesson: str) -> None:
        self._here = here
        self._expected = iter(json.loads(SECONDS.read_text())[lesson])
        self._waits = self._interrupted = self._labs = 0
        self._section: list[
            str
        ] = []  # cells of the lab that runs, the one that started it left out
        self._before: list[str] = []  # those of the lab before

    def run(self, cell: str) -> list[Output]:
        """Interrupt the cell if it waits, and run it; returns what it showed."""
        here, seconds = self._here, next(self._expected)
        starts = "Lab(" in cell or "= mystery(" in cell
        if starts or ".close()" in cell:
            _look_back(here, self._section, self._before)
            self._before, self._section = self._section, []
        self._labs += starts
        # all labs of a lesson start in the same way: to interrupt the first is enough
        if seconds > _WAITS and (not starts or self._labs == 1):
            self._waits += 1
            # the seconds are those of another machine: this one may be quicker
            timer = threading.Timer(min(seconds / 4, _LATEST), here.manager.interrupt_kernel)
            _, reply = here.try_to_run(cell, _BOUND, timer.start)
            timer.cancel()
            timer.join()
            self._interrupted += reply.get("ename") == "KeyboardInterrupt"
        shown = here.run(cell)
        if not starts and seconds < _CHEAP:
            self._section.append(cell)
        until(lambda: len(here.stacks()) <= 1, 10.0, f"the end of the lab before, after\n{cell}")
        return shown

    def has_interrupted(self) -> None:
        """Fails when the interrupts came too late."""
        assert self._interrupted >= self._waits / 3


def _look_back(here: Kernel, section: list[str], before: list[str]) -> None:
    """Run the cells of the section once more, from its last to its first, so that each runs after
    every later one; and those of the section before, whose lab is closed. Each works, or says in
    one sentence which cell to run."""
    for cell in reversed(before + section):
        _, reply = here.try_to_run(cell, _BOUND)
        if reply["status"] == "error" and reply["ename"] != "LabError":
            raise CellFailed(f"run again later:\n{cell}\n{reply['ename']}: {reply['evalue']}")
