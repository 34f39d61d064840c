"""What a learner may do to a lesson: stop its cells, run them again in any order, restart."""

from __future__ import annotations

import threading

from notebooks.kernels import Kernel, kernel
from notebooks.lesson import code_cells, run_lesson
from support import until

#: A cell that took longer waits for something, and is worth an interrupt. Seconds.
_WAITS = 0.3
#: Seconds after which a cell is interrupted at the latest: in its middle, or deep enough in it.
_LATEST = 2.0
#: A cell that took less is run again after all later cells of its section. Seconds.
_CHEAP = 2.0


def survives_everything(lesson: str, wrong: dict[str, list[str]]) -> None:
    """The lesson runs in a fresh kernel; in the same kernel again, where each cell that waits is
    interrupted in its middle and the cheap cells of a section run once more at its end; and the
    kernel is restarted. After each, nothing is left.

    wrong: for each exercise, code that sets ``answer`` to something that a learner might say.
    """
    with kernel() as here:
        took = run_lesson(here, lesson, wrong)
        here.nothing_is_left()
        _interrupt_each(here, lesson, took)
        here.nothing_is_left()
        _restart(here, lesson, took)
        here.nothing_is_left()


def _interrupt_each(here: Kernel, lesson: str, took: list[float]) -> None:
    interrupted = 0
    section: list[str] = []  # its cheap cells so far; a lab begins a section
    for cell, seconds in zip(code_cells(lesson), took, strict=True):
        if "Lab(" in cell or "lab.close()" in cell:
            for earlier in section:
                here.run(earlier, 60.0)
            section = []
        elif seconds < _CHEAP:
            section.append(cell)
        if seconds > _WAITS:
            timer = threading.Timer(min(seconds / 2, _LATEST), here.manager.interrupt_kernel)
            _, reply = here.try_to_run(cell, when_busy=timer.start)
            timer.cancel()
            timer.join()
            interrupted += reply.get("ename") == "KeyboardInterrupt"
        here.run(cell)
        until(lambda: len(here.stacks()) <= 1, 10.0, f"the end of the lab before, after\n{cell}")
    assert interrupted >= sum(seconds > _WAITS for seconds in took) / 2


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
