"""Tests that pictures show a worker's death at its time, not at the time of its detection."""

import re
from collections.abc import Iterator

import pytest

from demo_app.demo.timeline import Kill
from demo_app.rig.ledger import LedgerLine
from lab import Lab, queue_lists
from lab.jobs import poison, work
from lab.ledger import Ledger, side_by_side
from lab.queue_lists import JobList, Moment, snapshots

WAITS = [JobList("queue:mail", ("a",)), JobList("done", ())]
RUNS = [JobList("worker pid 1", ("a",), "running"), JobList("done", ())]
DIED = [JobList("dead worker", ("a",), "its worker is dead"), JobList("done", ())]
DONE = [JobList("done", ("a",))]


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab with one worker and a long lease, so that the worker's death is detected late."""
    lease = getattr(request, "param", "3")
    lab = Lab(environment={"DEMO_LEASE_SECONDS": lease, "DEMO_BEAT_SECONDS": "0.2"})
    yield lab
    lab.close()


def moments(*lists: list[JobList]) -> list[Moment]:
    return [Moment(float(second), each) for second, each in enumerate(lists)]


def test_the_snapshots_are_the_first_a_middle_and_the_last() -> None:
    assert [one.lists for one in snapshots(moments(WAITS, RUNS, RUNS, DONE))] == [WAITS, RUNS, DONE]


def test_the_snapshots_always_include_a_death() -> None:
    seen = moments(WAITS, RUNS, RUNS, RUNS, DIED, RUNS, RUNS, RUNS, DONE)
    assert [one.lists for one in snapshots(seen)] == [WAITS, DIED, DONE]


def test_a_kill_before_the_comments_or_after_the_mails_is_not_in_the_ledgers_picture() -> None:
    """If the cell with the kill is run twice, the first kill must not lengthen the time axis."""
    lines = tuple(LedgerLine(n, promised=100.0, arrived=102.0, deliveries=1) for n in range(3))
    kills = tuple(Kill(at, 1, "w") for at in (60.0, 101.0, 160.0))
    drawn = [side_by_side(this=Ledger(lines, kills=shown)).drawing for shown in (kills, kills[1:2])]
    first, second = (re.sub(r"\b[a-z][0-9a-f]{10}\b", "", one) for one in drawn)
    assert first == second


def test_each_panel_of_the_ledgers_has_a_row_for_every_comment() -> None:
    """The panels share one y axis. A short last panel must not cut off the rows of the others, and
    the ticks must be whole numbers."""
    runs = {
        f"run {count}": Ledger(tuple(LedgerLine(n, 100.0, 102.0, 1) for n in range(count)))
        for count in (4, 2)
    }
    words = re.findall(r"<!-- (.*?) -->", side_by_side(**runs).drawing)
    assert words[: words.index("comments, in order")][-4:] == ["1", "2", "3", "4"]
    assert words.count("seconds since the first comment") == 1, "once below all panels"


@pytest.mark.parametrize("lab", ["600"], indirect=True)
def test_a_worker_that_was_killed_is_shown_as_dead_before_its_lease_ends(lab: Lab) -> None:
    lab.faults({"at": "data", "do": "hang"})
    lab.post(1)
    kill = lab.kill()
    lab.until(lambda: kill.pid in lab.died, "the news of the death")
    assert lab.redis.keys("worker:*"), "its lease has not ended"
    lists = queue_lists.read(lab.redis, lab.died).lists
    dead = [one for one in lists if one.what == "its worker is dead"]
    assert [one.name for one in dead] == [f"dead worker pid {kill.pid}"]


@pytest.mark.thorough
def test_a_worker_that_died_by_itself_has_its_line_at_the_moment_of_death(lab: Lab) -> None:
    work.enqueue(name="neighbour", seconds=0.3)
    poison.enqueue()
    lab.until(lambda: lab.seen().deaths, "the death to be found")
    death = lab.seen().deaths[0]
    (drawn,) = (kill for kill in lab._other_deaths(lab.seen()) if kill.worker == death.id)
    began = min(job.runs[0].began for job in lab.seen().jobs)
    assert began <= drawn.at < (death.died or 0.0) - 1.0
    picture = lab.timeline()
    assert "<!-- done -->" in picture.drawing, "these jobs send no mails"
    assert "<!-- mail delivered -->" not in picture.drawing
    assert " done" in picture.words
