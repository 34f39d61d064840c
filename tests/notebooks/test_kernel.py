"""However a notebook is misused, its system ends with it, and every cell may be run again."""

from __future__ import annotations

import re
import threading
import time

import pytest
from notebooks.lesson import Kernel, code_cells, kernel
from support import until

WAITS = re.compile(r"Lab\(|\.wait|\.until|\.kill|\.post|\.watch|celery\(|freeze")


def _stacks(here: Kernel) -> set[str]:
    return {process.environ()["DEMO_STACK_ID"] for process in here.processes()
            if "DEMO_STACK_ID" in process.environ()}  # fmt: skip


def test_a_second_lab_in_the_same_kernel_ends_the_first() -> None:
    with kernel() as here:
        here.run("from lab import Lab\nlab = Lab()")
        (first,) = _stacks(here)
        here.run("lab = Lab()")
        (second,) = _stacks(here)
        assert first != second
        here.run("lab.close()\nlab.close()")
        assert not here.processes()
        told, reply = here.try_to_run("lab.post(1)")
        assert reply["ename"] == "LabError"
        assert "Run the cell that starts it" in reply["evalue"]
        assert told == []


def test_a_lab_beside_another_leaves_it_running() -> None:
    with kernel() as here:
        here.run("from lab import Lab\nlab = Lab(workers=0)\nother = Lab(beside=True, workers=0)")
        assert len(_stacks(here)) == 2
        here.run("other.close()\nlab.post(1)")
        assert len(_stacks(here)) == 1


def test_when_the_kernel_is_killed_the_system_ends_with_it() -> None:
    with kernel(sockets_may_stay=True) as here:
        here.run("from lab import Lab\nlab = Lab()\nlab.post(3)")
        assert len(here.processes()) >= 5
        here.manager.signal_kernel(9)
        until(lambda: not here.processes(), 20.0, "the end of every process")


def test_when_the_kernel_is_restarted_the_old_system_ends() -> None:
    with kernel() as here:
        here.run("from lab import Lab\nlab = Lab()")
        here.manager.restart_kernel()
        here.client.wait_for_ready(timeout=60)
        until(lambda: not here.processes(), 20.0, "the end of every process")
        here.run("from lab import Lab\nlab = Lab()\nlab.post(1)\nlab.wait()")


def test_a_lab_that_cannot_start_says_one_sentence_and_leaves_nothing() -> None:
    with kernel() as here:
        _, reply = here.try_to_run("from lab import Lab\nlab = Lab(backend='pigeon')")
        assert reply["status"] == "error"
        assert "pigeon" in reply["evalue"]
        _, reply = here.try_to_run("lab = Lab(redis_url='redis://127.0.0.1:1/0')")
        assert reply["ename"] == "LabError"
        assert "No Redis server answers" in reply["evalue"]
        assert not here.processes()


def test_a_prediction_is_asked_for_and_a_slip_is_asked_again() -> None:
    answers = iter(["plenty", "38"])
    with kernel() as here:
        said = here.client.execute_interactive(
            "from lab import predict\nguess = predict('How many?', 40, 'mails')",
            allow_stdin=True,
            stdin_hook=lambda _: here.client.input(next(answers)),
            timeout=60,
        )
        assert said["content"]["status"] == "ok"
        assert next(answers, None) is None, "both were asked for"
        (shown,) = here.run("guess.against(40)")
        assert "you said" in shown["data"]["text/plain"]
        assert "38 mails | 40 mails | 2 mails more" in shown["data"]["text/plain"]


@pytest.mark.timeout(240)
def test_a_lesson_runs_twice_in_the_same_kernel() -> None:
    with kernel() as here:
        for _ in range(2):
            for cell in code_cells("00_start_here"):
                here.run(cell)
            assert not here.processes(), "the lesson ends what it began"


@pytest.mark.timeout(420)
def test_each_waiting_cell_of_the_central_lesson_may_be_interrupted_and_run_again() -> None:
    """A cell is interrupted soon after it began; then it runs again, and the lesson goes on."""
    interrupted = 0
    with kernel() as here:
        for number, cell in enumerate(code_cells("04_kill_the_worker")):
            if WAITS.search(cell):
                moment = 0.1 + 0.13 * (number % 5)  # at another point of each

                def interrupt(moment: float = moment) -> None:
                    threading.Timer(moment, here.manager.interrupt_kernel).start()

                _, reply = here.try_to_run(cell, when_busy=interrupt)
                interrupted += reply.get("ename") == "KeyboardInterrupt"
                time.sleep(moment)  # an interrupt that came too late must not hit the next one
            here.run(cell)
            until(lambda: len(_stacks(here)) <= 1, 10.0, f"the end of the lab before, after {cell}")
    assert interrupted >= 5
