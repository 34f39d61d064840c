"""Tests that each lesson runs, survives interrupts and restarts, and checks its exercises."""

import re
import threading

import pytest
from notebooks.kernels import NOTEBOOKS, CellFailed, Kernel, Output, kernel
from notebooks.lesson import LESSONS, code_cells, prose, run_lesson
from notebooks.minutes import measured
from notebooks.wrong import WRONG
from support import most_nightly, until

FIRST, *OTHERS, LAST = LESSONS
#: A cell that takes longer than this (seconds) is first interrupted, and then run to its end.
_WAITS = 0.3
#: A cell is interrupted after a quarter of its time, but at most after this time (seconds).
_LATEST = 2.0
#: A cell that takes less than this (seconds) is quick: it is run again at the end of its section.
#: A section ends before a cell that starts or closes a lab.
_CHEAP = 2.0
#: The time limit of a cell that is run again (seconds).
_BOUND = 60.0


@pytest.mark.thorough
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lesson", [*OTHERS, LAST])
def test_a_lesson_runs_from_top_to_bottom_and_its_exercises_are_checked(lesson: str) -> None:
    """The last lesson runs with an app of the lowest rung."""
    assert not (NOTEBOOKS / "my_app.py").exists(), "somebody's own app is in the way"
    with kernel() as here:
        run_lesson(here, lesson, WRONG[lesson], here.run)
        here.nothing_is_left()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("lesson", most_nightly([FIRST, *OTHERS], FIRST))
def test_a_lesson_runs_despite_interrupts_and_its_exercises_are_checked(lesson: str) -> None:
    """Interrupt slow cells, run them to their end, and run quick cells again: see `_Restless`."""
    with kernel() as here:
        learner = _Restless(here, lesson)
        run_lesson(here, lesson, WRONG[lesson], learner.run)
        learner.has_interrupted()
        here.nothing_is_left()


@pytest.mark.parametrize("lesson", most_nightly(LESSONS, FIRST))
def test_after_a_restart_in_its_middle_each_cell_works_or_says_which_to_run_first(
    lesson: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run the quick cells in reverse order: the names that a cell needs are not defined yet."""
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
    """A learner who interrupts cells, and runs earlier cells again."""

    def __init__(self, here: Kernel, lesson: str) -> None:
        self._here = here
        self._expected = iter(measured()[lesson])
        self._waits = self._interrupted = self._labs = 0
        # the quick cells that ran in the present lab; `_before` has those of the previous lab
        self._section: list[str] = []
        self._before: list[str] = []

    def run(self, cell: str) -> list[Output]:
        here, seconds = self._here, next(self._expected)
        starts = "Lab(" in cell or "= mystery(" in cell
        if starts or ".close()" in cell:
            self._look_back()
            self._before, self._section = self._section, []
        self._labs += starts
        # interrupt the start of a lab only once in a lesson, because all labs start in the same way
        if seconds > _WAITS and (not starts or self._labs == 1):
            self._waits += 1
            # interrupt early: this machine may be faster than the one that measured the cell
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

    def _look_back(self) -> None:
        """Run the cells of this section, then those of the previous one, each in reverse order.

        A LabError is ignored, since the previous section's lab is closed.

        Raises:
            CellFailed: a cell fails with another error.
        """
        for cell in reversed(self._before + self._section):
            _, reply = self._here.try_to_run(cell, _BOUND)
            if reply["status"] == "error" and reply["ename"] != "LabError":
                raise CellFailed(f"run again later:\n{cell}\n{reply['ename']}: {reply['evalue']}")

    def has_interrupted(self) -> None:
        assert self._interrupted >= self._waits / 3
