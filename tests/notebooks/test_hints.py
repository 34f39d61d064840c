"""Tests that a wrong answer gets a hint, and that each form of a right answer is accepted."""

import statistics
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from demo_app.rig import ports
from demo_app.rig.ledger import LedgerLine
from lab.capstone import Tried
from lab.checks import check
from lab.ledger import Ledger
from lab.trials import Trial


def half_done() -> Any:
    """Return a backend with a finished `_enqueue` and an unfinished `run_next`."""
    return SimpleNamespace(waiting=(jobs := []), _enqueue=jobs.extend, run_next=lambda: (...).task)


def forgetful() -> Any:
    """Return a backend whose new jobs replace the old ones."""
    backend: Any = SimpleNamespace(waiting=[])
    backend._enqueue = lambda jobs: setattr(backend, "waiting", list(jobs))
    return backend


def worker_killed() -> Tried:
    lost = Ledger((LedgerLine(1, 0.0, None, 0),))
    return Tried([Trial("the worker is killed", held=False, ledger=lost, story="Its story.")])


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        ("1.1", lambda values: print(end=""), "return"),
        ("1.1", min, "for [5.0, 1.0, 3.0] it is wrong"),
        ("7.3", half_done, "Now replace the `...` in `run_next`"),
        ("7.3", forgetful, "Are those before it still there?"),
        ("4.4", "lost", "a word in place of each `...`"),
        ("6.2", {"again", "dead"}, "a word in place of each `...`"),
        ("6.3", lambda first, tries: print(end=""), "return"),
        ("6.3", lambda first, tries: first, "a list"),
        ("12.1", worker_killed(), "the worker is killed. Its story."),
    ],
)
def test_a_hint_names_the_kind_of_answer(
    exercise: str, answer: Any, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    check(exercise, answer)
    output = capsys.readouterr().out
    assert output.startswith(f"✗ {exercise}")
    assert hint in output
    assert "Error" not in output


@pytest.mark.parametrize(
    ("sign", "exercise", "answer"),
    [
        ("○", "1.2", {...}),
        ("✓", "1.1", statistics.median),
        ("✓", "1.1", lambda values: sorted(values)[len(values) // 2]),
        ("✓", "9.2", numpy.float64(5)),
        ("✓", "6.3", lambda first, tries: (first * 2**n for n in range(tries - 1))),
    ],
)
def test_an_answer_may_be_right_in_another_way_or_not_be_filled_in_yet(
    sign: str, exercise: str, answer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    check(exercise, answer)
    assert capsys.readouterr().out.startswith(sign)


def test_the_check_of_a_handler_gives_its_port_back(capsys: pytest.CaptureFixture[str]) -> None:
    async def accept(*_: object) -> str:
        return "250 OK"

    reserved = {*ports._reservations}
    check("6.1", lambda: SimpleNamespace(handle_DATA=accept, mails=4))
    assert "answered [250, 250, 250, 250]" in capsys.readouterr().out
    assert reserved == {*ports._reservations}
