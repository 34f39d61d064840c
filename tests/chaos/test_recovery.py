"""How long a recovery took, told from the journal: it must neither flatter nor slander."""

from __future__ import annotations

from chaos.context import Fault
from chaos.history import folded
from chaos.recovery import recoveries
from demo_app.broker.events import Event
from demo_app.broker.fold import Fold


def _journal(*lines: tuple[float, str, str, int, int]) -> Fold:
    """Lines of when, what, which job, by the worker of which pid, and about that of which pid."""
    return folded(
        Event(event, at, _worker(by), _worker(about), job) for at, event, job, by, about in lines
    )


def _worker(pid: int) -> str:
    return f"worker1@host-{pid}-1a2b.1" if pid else ""


def _seconds(faults: list[Fault], journal: Fold, accepted: list[float]) -> list[float]:
    return [round(found, 3) for found in recoveries(faults, journal, accepted, [], [])]


def _killed(at: float, pid: int) -> Fault:
    return Fault("worker: SIGKILL", "worker", at, at, (pid,))


def test_a_killed_workers_recovery_lasts_until_its_last_job_is_claimed_again() -> None:
    journal = _journal(
        (9.0, "claimed", "a", 1, 0),
        (9.5, "claimed", "b", 1, 0),
        (13.0, "rescued", "a", 2, 1),
        (13.0, "rescued", "b", 2, 1),
        (13.1, "claimed", "a", 2, 0),
        (14.5, "claimed", "b", 2, 0),
    )
    assert _seconds([_killed(10.0, 1)], journal, []) == [4.5]


def test_a_worker_that_held_nothing_had_nothing_to_recover() -> None:
    assert _seconds([_killed(10.0, 1)], _journal((9.0, "claimed", "a", 2, 0)), []) == []


def test_a_worker_that_woke_up_and_was_killed_later_counts_for_the_kill_alone() -> None:
    paused = Fault("worker: paused", "worker", 10.0, 10.0, (1,))
    journal = _journal(
        (30.0, "claimed", "a", 1, 0),
        (34.0, "rescued", "a", 2, 1),
        (34.2, "claimed", "a", 2, 0),
    )
    assert _seconds([paused, _killed(31.0, 1)], journal, []) == [3.2]


def test_a_recovery_that_another_fault_interrupts_counts_from_that_one() -> None:
    away = Fault("redis: SIGKILL", "redis", 12.0, 12.0, ())
    journal = _journal(
        (9.0, "claimed", "a", 1, 0),
        (15.5, "rescued", "a", 2, 1),
        (15.6, "claimed", "a", 2, 0),
    )
    assert _seconds([_killed(10.0, 1), away], journal, []) == [3.6, 3.6]


def test_the_web_app_is_back_when_it_accepts_a_comment() -> None:
    gone = Fault("web: SIGKILL", "web", 10.0, 10.0, (7,))
    assert _seconds([gone], Fold(), [9.9, 11.25, 11.3]) == [1.25]


def test_a_wire_is_mended_when_all_mails_of_the_comments_before_have_come() -> None:
    hole = Fault("wire to web: a hole", "web", 10.0, 12.0)
    travels = [(9.0, 11.0), (11.5, 15.0), (12.5, 30.0)]
    assert recoveries([hole], Fold(), [9.0, 11.5, 12.5], [], travels) == [3.0]
