"""What a learner may do to a lesson: stop its cells, run them again in any order, restart."""

from __future__ import annotations

import threading

from notebooks.kernels import CellFailed, Kernel, kernel
from notebooks.lesson import code_cells, run_lesson
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
    """The lesson runs in a fresh kernel; in the same kernel again, where each cell that waits is
    interrupted in its middle, and each section ends with a look back: see `_look_back`; and the
    kernel is restarted. After each, nothing is left.

    wrong: for each exercise, code that sets ``answer`` to something that a learner might say.
    """
    with kernel() as here:
        took = run_lesson(here, lesson, wrong)
        here.nothing_is_left()
        _run_again(here, lesson, took)
        here.nothing_is_left()
        _restart(here, lesson, took)
        here.nothing_is_left()


def _run_again(here: Kernel, lesson: str, took: list[float]) -> None:
    interrupted = 0
    section: list[str] = []  # the cells of the lab that runs, the one that started it left out
    before: list[str] = []  # those of the labs before
    for cell, seconds in zip(code_cells(lesson), took, strict=True):
        starts = "Lab(" in cell
        if starts or ".close()" in cell:
            _look_back(here, section, before)
            before += section
            section = []
        if seconds > _WAITS:
            timer = threading.Timer(min(seconds / 2, _LATEST), here.manager.interrupt_kernel)
            _, reply = here.try_to_run(cell, when_busy=timer.start)
            timer.cancel()
            timer.join()
            interrupted += reply.get("ename") == "KeyboardInterrupt"
        here.run(cell)
        if not starts and seconds < _CHEAP:
            section.append(cell)
        until(lambda: len(here.stacks()) <= 1, 10.0, f"the end of the lab before, after\n{cell}")
    assert interrupted >= sum(seconds > _WAITS for seconds in took) / 2


def _look_back(here: Kernel, section: list[str], before: list[str]) -> None:
    """Run the cells of the section once more, from its last to its first, so that each runs after
    every later one; and those of the sections before, whose labs are closed. Each works, or says
    in one sentence which cell to run."""
    for cell in reversed(before + section):
        _, reply = here.try_to_run(cell, _BOUND)
        if reply["status"] == "error" and reply["ename"] != "LabError":
            raise CellFailed(f"run again later:\n{cell}\n{reply['ename']}: {reply['evalue']}")


def _restart(here: Kernel, lesson: str, took: list[float]) -> None:
    """Restart the kernel while the lesson's first lab starts, and let it start again."""
    cells = code_cells(lesson)
    first = next(number for number, cell in enumerate(cells) if "Lab(" in cell)
    for cell in cells[:first]:
        here.run(cell)
    here.client.execute(cells[first])
    until(lambda: here.processes(), 30.0, "the first process of the lab")
    here.manager.restart_kernel()
    here.client.wait_for_ready(timeout=60)
    until(lambda: not here.processes(), 30.0, "the end of every process")
    here.run("")
    here.ports = here.connections()  # those of the new kernel
    here.run("from lab import Lab\nlab = Lab(workers=0)\nlab.post(1)\nlab.close()")
