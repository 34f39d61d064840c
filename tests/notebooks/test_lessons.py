"""Each lesson runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

import re
import threading

import pytest
from notebooks.kernels import NOTEBOOKS, CellFailed, Kernel, Output, kernel
from notebooks.lesson import LESSONS, code_cells, prose, run_lesson
from notebooks.minutes import measured
from notebooks.wrong import WRONG
from support import most_nightly, until

*OTHERS, LAST = LESSONS
#: A cell that took longer waits for something, and is worth an interrupt. Seconds.
_WAITS = 0.3
#: Seconds after which a cell is interrupted at the latest: in its middle, or deep enough in it.
_LATEST = 2.0
#: A cell that took less is run again after all later cells of its section. Seconds.
_CHEAP = 2.0
#: Within so many seconds a cell that is run again has ended, or said what to do.
_BOUND = 60.0


@pytest.mark.thorough
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lesson", OTHERS[1:])
def test_it_runs_from_top_to_bottom_and_its_exercises_are_checked(lesson: str) -> None:
    with kernel() as here:
        run_lesson(here, lesson, WRONG[lesson], here.run)
        here.nothing_is_left()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("lesson", most_nightly(OTHERS, OTHERS[0]))
def test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked(lesson: str) -> None:
    """Each cell that waits is first interrupted in its middle, and each section ends with a look
    back. Afterwards nothing is left."""
    with kernel() as here:
        learner = _Restless(here, lesson)
        run_lesson(here, lesson, WRONG[lesson], learner.run)
        learner.has_interrupted()
        here.nothing_is_left()


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_the_last_one_runs_with_an_app_of_the_lowest_rung() -> None:
    assert not (NOTEBOOKS / "my_app.py").exists(), "somebody's own app is in the way"
    with kernel() as here:
        run_lesson(here, LAST, WRONG[LAST], here.run)
        here.nothing_is_left()


@pytest.mark.parametrize("lesson", most_nightly(LESSONS, LESSONS[0]))
def test_after_a_restart_in_its_middle_each_cell_works_or_says_which_to_run_first(
    lesson: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restarted kernel knows nothing of what was run before. The cells run from the last one to
    the first, so that none makes up for what another one lacks; those that take long are left out.
    """
    monkeypatch.setenv("PYTHONSTARTUP", str(NOTEBOOKS / "jupyter/startup.py"))
    cells = [*zip(code_cells(lesson), measured()[lesson], strict=True)][1:]
    with kernel() as here:
        for cell in [cell for cell, seconds in reversed(cells) if seconds < _CHEAP]:
            _, reply = here.try_to_run(cell, _BOUND)
            lines = len(reply["traceback"]) if reply["status"] == "error" else 0
            assert lines <= (reply.get("ename") == "LabError"), f"{cell}\n{reply['evalue']}"


@pytest.mark.nightly
def test_a_killed_job_begins_again_and_with_a_checkpoint_goes_on_where_it_was() -> None:
    lesson = "10_take_it_home"
    imports, *cells = code_cells(lesson)
    begins = next(n for n, cell in enumerate(cells) if "begin = 0" in cell)
    lab, app, kills = cells[begins - 1 : begins + 2]
    (solution,) = re.findall(r"```python\n( +\(begin,\).+\n)```", prose(lesson))
    with kernel() as here:
        for cell in (imports, lab, app):
            here.run(cell)
        assert "began with its first row again" in str(here.run(kills))
        here.run(app.replace("    begin = 0\n", solution))
        assert "went on where it was" in str(here.run(kills))


class _Restless:
    """Runs one cell after the other, but not before trying what else can be done."""

    def __init__(self, here: Kernel, lesson: str) -> None:
        self._here = here
        self._expected = iter(measured()[lesson])
        self._waits = self._interrupted = self._labs = 0
        # cells of the lab that runs, but for the one that started it, and those of the lab before
        self._section: list[str] = []
        self._before: list[str] = []

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
